"""A folder in diffusers layout as one checkpoint, tensor by tensor, without building the model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from training.engine.checkpoint_layout import open_clip_name
from training.engine.errors import BaseModelError
from training.engine.files.checkpoint_names import SD1_TEXT, SD2_TEXT, UNET, VAE, XL_TEXT
from training.engine.files.lazy_tensors import LazyTensor, LazyTensors, TensorFile, open_tensors
from training.engine.files.unet_names import ldm_module_path
from training.engine.files.vae_names import ldm_name
from training.engine.parts.weights import newer_name, weight_files

_QKV = re.compile(r"^encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$")
OPEN_CLIP_WIDTH = 1024


def open_model(path: Path) -> TensorFile:
    """Open a checkpoint file, or a folder in diffusers layout, under the original names.

    Raises BaseModelError where it is neither.
    """
    if not path.is_dir():
        return open_tensors(path)
    if not (path / "unet" / "config.json").is_file():
        raise BaseModelError(
            f"The folder {path.name} has no unet/config.json, so it is not a model in diffusers "
            "layout. Choose the folder that holds model_index.json."
        )
    tensors = _unet(path) | _vae(path / "vae") | _text(path)
    scheduler = path / "scheduler" / "scheduler_config.json"
    predicts = _json(scheduler).get("prediction_type") if scheduler.is_file() else None
    said = {"epsilon": "epsilon", "v_prediction": "v"}.get(str(predicts))
    return TensorFile(path, tensors, {"modelspec.prediction_type": said} if said else {})


def open_vae(path: Path) -> LazyTensors:
    """Open a VAE, alone or inside a checkpoint, under `first_stage_model.`.

    Takes files of the original layout with or without that prefix, and diffusers folders.
    """
    if path.is_dir():
        folder = path / "vae" if (path / "vae").is_dir() else path
        return _vae(folder)
    tensors = open_tensors(path).tensors
    inside = {n: t for n, t in tensors.items() if n.startswith(VAE)}
    plain = {VAE + n: t for n, t in tensors.items() if n.startswith(("encoder.", "decoder."))}
    plain |= {VAE + n: t for n, t in tensors.items() if "quant_conv." in n and VAE not in n}
    if any("down_blocks" in name for name in plain):
        return _vae_renamed({n.removeprefix(VAE): t for n, t in plain.items()})
    found = inside or plain
    if f"{VAE}decoder.conv_in.weight" not in found:
        raise BaseModelError(f"{path.name} holds no VAE. Choose a VAE file or a full checkpoint.")
    return found


def _part(folder: Path) -> LazyTensors:
    found: LazyTensors = {}
    for path in weight_files(folder):
        found |= open_tensors(path).tensors
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BaseModelError(f"{path.name} of the model folder cannot be read: {error}") from error


def _unet(folder: Path) -> LazyTensors:
    config = SimpleNamespace(**_json(folder / "unet" / "config.json"))
    found = {}
    for name, tensor in _part(folder / "unet").items():
        path, _, kind = name.rpartition(".")
        found[f"{UNET}{ldm_module_path(path, config)}.{kind}"] = tensor
    return found


def _vae(folder: Path) -> LazyTensors:
    return _vae_renamed(_part(folder))


def _vae_renamed(tensors: LazyTensors) -> LazyTensors:
    levels = 1 + max(
        int(match[1]) for name in tensors if (match := re.search(r"up_blocks\.(\d+)\.", name))
    )
    found = {}
    for name, tensor in tensors.items():
        renamed = ldm_name(newer_name(name), levels)
        attends = ".attn_1." in renamed and len(tensor.shape) == 2
        found[VAE + renamed] = tensor.reshaped(*tensor.shape, 1, 1) if attends else tensor
    return found


def _text(folder: Path) -> LazyTensors:
    first = _without_wrapper(_part(folder / "text_encoder"))
    if (folder / "text_encoder_2").is_dir():
        second = _part(folder / "text_encoder_2")
        projection = second.pop("text_projection.weight")
        return (
            _prefixed(first, f"{XL_TEXT[0]}text_model.")
            | _open_clip(_without_wrapper(second), XL_TEXT[1])
            | {f"{XL_TEXT[1]}text_projection": projection.transposed()}
        )
    config = _json(folder / "text_encoder" / "config.json")
    if config["hidden_size"] == OPEN_CLIP_WIDTH:
        return _open_clip(first, SD2_TEXT)
    return _prefixed(first, f"{SD1_TEXT}text_model.")


def _without_wrapper(tensors: LazyTensors) -> LazyTensors:
    """Drop `text_model.` and the positions' numbers, which some versions write and some do not."""
    return {
        name.removeprefix("text_model."): tensor
        for name, tensor in tensors.items()
        if not name.endswith("position_ids")
    }


def _prefixed(tensors: LazyTensors, prefix: str) -> LazyTensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _open_clip(tensors: LazyTensors, prefix: str) -> LazyTensors:
    found: LazyTensors = {}
    for name, tensor in tensors.items():
        match = _QKV.match(name)
        if match is None:
            found[prefix + open_clip_name(name)] = tensor
        elif match[2] == "q":
            parts = [tensors[name.replace("q_proj", f"{letter}_proj")] for letter in "qkv"]
            key = f"{prefix}transformer.resblocks.{match[1]}.attn.in_proj_{match[3]}"
            found[key] = stacked(parts)
    return found


def stacked(parts: list[LazyTensor]) -> LazyTensor:
    """Return tensors of one shape on top of each other."""
    first = parts[0]
    shape = (len(parts) * first.shape[0], *first.shape[1:])
    return LazyTensor(first.dtype, shape, lambda: torch.cat([part.read() for part in parts]))
