"""A checkpoint as one file or as a diffusers folder, in another number format, pruned or not.

Tensors are renamed and copied one by one; no model is built, so nothing is rounded or lost that
the other layout has a place for. What it has none for is told.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from training.engine.components import config_folder
from training.engine.errors import BaseModelError, ConfigError
from training.engine.files.checkpoint_names import (
    architecture_of,
    family_of,
)
from training.engine.files.checkpoint_parts import parts_of
from training.engine.files.file_writing import PART
from training.engine.files.lazy_tensors import LazyTensors, SavedModel, save_lazy
from training.engine.files.pruning import Ema, pruned
from training.engine.parts.plan import read_config
from training.engine.parts.reading import empty
from training.engine.parts.unet import UNet2DConditionModel
from training.engine.tools.checkpoint_merge import with_vae
from training.engine.tools.model_folders import open_model
from training.engine.tools.recipes import checkpoint_metadata, ingredient, recipe_metadata

_WEIGHT_NAMES = {
    "unet": "diffusion_pytorch_model.safetensors",
    "vae": "diffusion_pytorch_model.safetensors",
}


@dataclass(frozen=True)
class ConvertOptions:
    """What changes on the way; `dtype` None keeps every tensor's number format."""

    dtype: torch.dtype | None = None
    ema: Ema = "drop"
    vae: Path | None = None


@dataclass(frozen=True)
class SavedFolder:
    """A written folder, and the tensors that its layout has no place for."""

    path: Path
    left_out: tuple[str, ...]


def convert_to_file(source: Path, target: Path, options: ConvertOptions) -> SavedModel:
    """Write a model, a file or a diffusers folder, as one safetensors file."""
    opened = open_model(source)
    tensors = _changed(opened.tensors, options)
    metadata = checkpoint_metadata(architecture_of(tensors), target.stem, opened.metadata)
    if source.is_file():
        settings = {
            "primary_model_hash": None,
            "save_as": str(options.dtype or "unchanged").removeprefix("torch."),
            "ema": options.ema,
            "bake_in_vae": options.vae.name if options.vae else False,
        }
        inputs = [ingredient(source, opened.metadata)]
        settings["primary_model_hash"] = inputs[0].sha256
        metadata |= recipe_metadata("No interpolation", inputs, settings)
    return save_lazy(target, tensors, metadata)


def convert_to_folder(
    source: Path,
    target: Path,
    options: ConvertOptions,
    *,
    config: Path | None = None,
    velocity: bool = False,
) -> SavedFolder:
    """Write a model as a new folder in diffusers layout, with configs and tokenizers.

    `config` is a diffusers folder of the same structure; left out, the one that ships with us for
    the family is taken. Raises ConfigError where the folder exists or the structure differs.
    """
    if target.exists():
        raise ConfigError(f"{target} is already there. Choose another folder, or remove it.")
    opened = open_model(source)
    tensors = _changed(opened.tensors, options)
    family = family_of(tensors)
    velocity = velocity or "v_pred" in tensors or _says_velocity(opened.metadata)
    configs = config or config_folder(architecture_of(tensors), velocity=velocity)
    parts, left_out = parts_of(tensors, family)
    if "vae" not in parts:
        raise BaseModelError(f"{source.name} holds no VAE. Give one with --vae.")
    _check_structure(configs, parts["unet"])
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}{PART}")
    try:
        _copy_configs(configs, beside, set(parts))
        for name, part in parts.items():
            save_lazy(beside / name / _WEIGHT_NAMES.get(name, "model.safetensors"), part, _PT)
        os.replace(beside, target)  # noqa: PTH105 - the atomic one
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return SavedFolder(target, tuple(sorted(left_out)))


_PT = {"format": "pt"}  # without it, transformers refuses the file


def _changed(tensors: LazyTensors, options: ConvertOptions) -> LazyTensors:
    kept = pruned(tensors, options.ema)
    if options.vae is not None:
        kept = with_vae(kept, options.vae)
    return {name: tensor.to(options.dtype) for name, tensor in kept.items()}


def _says_velocity(metadata: Mapping[str, str]) -> bool:
    return metadata.get("modelspec.prediction_type") == "v"


def _check_structure(configs: Path, unet: LazyTensors) -> None:
    """Refuse configs that describe another UNet, before anything is written."""
    wanted = empty(UNet2DConditionModel, read_config(configs / "unet")).state_dict()
    same = wanted.keys() == unet.keys() and all(
        tuple(tensor.shape) == unet[name].shape for name, tensor in wanted.items()
    )
    if not same:
        raise BaseModelError(
            f"The UNet of this checkpoint is not the one that {configs.name} describes. "
            "Give a diffusers folder of the same structure with --config."
        )


def _copy_configs(configs: Path, target: Path, parts: set[str]) -> None:
    target.mkdir(parents=True)
    shutil.copyfile(configs / "model_index.json", target / "model_index.json")
    wanted = parts | {"scheduler", "tokenizer"}
    if "text_encoder_2" in parts:
        wanted.add("tokenizer_2")
    for name in sorted(wanted):
        (target / name).mkdir()
        for path in sorted((configs / name).iterdir()):
            if path.suffix in (".json", ".txt") and not path.name.endswith(".index.json"):
                shutil.copyfile(path, target / name / path.name)
