"""Reading a checkpoint file part by part, its tensors where they lie in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.engine.files.checkpoint_names import family_of
from training.engine.files.checkpoint_parts import parts_of
from training.engine.files.lazy_tensors import open_tensors
from training.engine.files.pruning import pruned
from training.engine.parts.autoencoder import AutoencoderKL
from training.engine.parts.plan import read_config
from training.engine.parts.reading import (
    TEXT_ENCODERS,
    as_named_today,
    empty,
    filled,
    read_scheduler,
    read_tokenizers,
    text_encoder_names,
)
from training.engine.parts.unet import UNet2DConditionModel


def load_single_file(path: Path, folder: Path) -> dict[str, Any]:
    """Return the parts of a checkpoint, built as the configs in `folder` say, in float32.

    Tensors that a part has no place for are left, as other tools do. A file without a VAE gives
    one without numbers, on the device "meta". Raises BaseModelError where the file lacks others,
    or has some of another shape.
    """
    tensors = pruned(open_tensors(path).tensors, "drop")
    found, _ = parts_of(tensors, family_of(tensors))
    parts: dict[str, Any] = {"text_encoders": []}
    for name, kind in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL)):
        module: Any = empty(kind, read_config(folder / name))
        is_there = name in found
        parts[name] = filled(module, found[name], path.name, name) if is_there else module
    for name in text_encoder_names(folder):
        encoder = empty(TEXT_ENCODERS[name], read_config(folder / name))
        named = as_named_today(found.get(name, {}), encoder)
        parts["text_encoders"].append(filled(encoder, named, path.name, name))
    parts["tokenizers"] = read_tokenizers(folder)
    parts["scheduler"] = read_scheduler(folder)
    return parts
