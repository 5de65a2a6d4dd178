"""Reading a checkpoint file part by part, its tensors where they lie in the file.

No pipeline is built and nothing is copied: modules without memory get tensors that are mapped from
the file, so that a part which is not used is not read, and the page cache holds the only copy.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from training.engine.errors import BaseModelError
from training.engine.tools.checkpoint_names import family_of
from training.engine.tools.convert import parts_of
from training.engine.tools.lazy_tensors import LazyTensors, open_tensors
from training.engine.tools.pruning import pruned


def load_single_file(path: Path, folder: Path) -> dict[str, Any]:
    """Return the parts of a checkpoint, built as the configs in `folder` say, in float32.

    Raises BaseModelError where the file has other tensors than they describe.
    """
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    tensors = pruned(open_tensors(path).tensors, "drop")
    found, _ = parts_of(tensors, family_of(tensors))
    parts: dict[str, Any] = {"text_encoders": [], "tokenizers": []}
    for name, kind in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL)):
        parts[name] = _filled(_empty(kind, folder / name), found[name], path, name)
    for suffix, encoder in (("", CLIPTextModel), ("_2", CLIPTextModelWithProjection)):
        name = f"text_encoder{suffix}"
        if (folder / name).is_dir():
            module = _empty_text_encoder(encoder, folder / name)
            filled = _filled(module, _renamed(found.get(name, {}), module), path, name)
            parts["text_encoders"].append(filled)
            parts["tokenizers"].append(CLIPTokenizer.from_pretrained(folder / f"tokenizer{suffix}"))
    scheduler = folder / "scheduler" / "scheduler_config.json"
    parts["scheduler"] = json.loads(scheduler.read_text(encoding="utf-8"))
    return parts


def _empty(kind: Any, folder: Path) -> torch.nn.Module:
    with torch.device("meta"):
        module: torch.nn.Module = kind.from_config(kind.load_config(folder))
    return module


def _empty_text_encoder(kind: Any, folder: Path) -> torch.nn.Module:
    config = kind.config_class.from_pretrained(folder)
    with torch.device("meta"):
        module: torch.nn.Module = kind(config)
    for part in module.modules():  # the one buffer that is in no file
        if "position_ids" in part._buffers:
            numbers = torch.arange(config.max_position_embeddings)[None]
            part.register_buffer("position_ids", numbers, persistent=False)
    return module


def _renamed(tensors: LazyTensors, module: torch.nn.Module) -> LazyTensors:
    """Return tensors under the names of this version of the library, which left a wrapper away."""
    wanted = module.state_dict().keys()
    if any(name.startswith("text_model.") for name in wanted):
        return tensors
    return {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}


def _filled(
    module: torch.nn.Module, tensors: LazyTensors, path: Path, part: str
) -> torch.nn.Module:
    state = {name: tensor.read().float() for name, tensor in tensors.items()}
    try:
        module.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise BaseModelError(
            f"{path.name} has another {part} than its family: {str(error)[:500]}"
        ) from error
    return module
