"""LoRAs into a checkpoint, and a LoRA out of the difference of two checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from training.engine.adapter_change import UnknownAdapterError, bias_change, weight_change
from training.engine.architectures import ARCHITECTURES
from training.engine.errors import ConfigError
from training.engine.files.checkpoint_names import (
    LayerPlace,
    architecture_of,
    layer_places,
    norm_places,
)
from training.engine.files.lazy_tensors import LazyTensor, LazyTensors, SavedModel, save_lazy
from training.engine.files.pruning import pruned
from training.engine.tools.checkpoint_merge import with_vae
from training.engine.tools.lora_combine import SmallerLora
from training.engine.tools.lora_files import (
    LoraFile,
    LowRank,
    WeightedLora,
    open_lora,
    save_lora,
)
from training.engine.tools.low_rank import RankChoice, factor_matrix
from training.engine.tools.model_folders import open_model
from training.engine.tools.recipes import checkpoint_metadata, ingredient, recipe_metadata

BIAS_PARTS = frozenset({"diff_b", "b_norm"})
Changes = list[tuple[LayerPlace, LoraFile, str, float]]


@dataclass(frozen=True)
class ExtractOptions:
    """How to extract; `conv` None leaves the convolutions out, as most LoRAs do."""

    linear: RankChoice
    conv: RankChoice | None = None
    text_encoder: bool = True
    dtype: torch.dtype = torch.float16


def merge_loras(
    base: Path,
    loras: Sequence[WeightedLora],
    target: Path,
    *,
    dtype: torch.dtype | None = None,
    vae: Path | None = None,
) -> SavedModel:
    """Write a checkpoint that draws as the base with all the LoRAs at their weights.

    Takes the forms that adapter_change.py names. Raises ConfigError for a file made
    for another base.
    """
    opened = open_model(base)
    tensors = pruned(opened.tensors, "drop")
    files = [open_lora(lora.path) for lora in loras]
    merged = _with_changes(tensors, _changes(tensors, files, loras), dtype)
    if vae is not None:
        merged = with_vae(merged, vae)
    inputs = [ingredient(opened.path, opened.metadata)]
    inputs += [ingredient(file.path, file.metadata) for file in files]
    settings = {
        "primary_model_hash": inputs[0].sha256,
        "loras": [
            {"name": lora.path.stem, "sha256": part.sha256, "weight": lora.weight}
            for lora, part in zip(loras, inputs[1:], strict=True)
        ],
        "save_as": str(dtype or "unchanged").removeprefix("torch."),
        "bake_in_vae": vae.name if vae else False,
    }
    metadata = checkpoint_metadata(architecture_of(tensors), target.stem, opened.metadata)
    metadata |= recipe_metadata("LoRA into checkpoint", inputs, settings)
    return save_lazy(target, merged, metadata)


def _changes(
    tensors: LazyTensors, files: list[LoraFile], loras: Sequence[WeightedLora]
) -> dict[str, Changes]:
    """Return what happens to each tensor of the checkpoint, in the order of the files."""
    known = [*layer_places(tensors), *norm_places(tensors)]
    places = {name: place for place in known for name in (place.name, *place.aliases)}
    found: dict[str, Changes] = {}
    for file, lora in zip(files, loras, strict=True):
        missing = [name for name in file.layers if name not in places]
        if missing:
            raise ConfigError(
                f"{file.path.name} was made for another kind of base model: this one has no "
                f"layer {missing[0]} ({len(missing)} of {len(file.layers)} are missing)."
            )
        for name in file.layers:
            place = places[name]
            found.setdefault(place.tensor, []).append((place, file, name, lora.weight))
            if not BIAS_PARTS.isdisjoint(file.layers[name]):
                bias = place.bias()
                found.setdefault(bias.tensor, []).append((bias, file, name, lora.weight))
    return found


def _with_changes(
    tensors: LazyTensors, changes: Mapping[str, Changes], dtype: torch.dtype | None
) -> LazyTensors:
    merged = {}
    for name, tensor in tensors.items():
        plain = tensor.to(dtype)
        todo = changes.get(name)
        merged[name] = plain if todo is None else _changed(tensor, todo, plain.dtype)
    return merged


def _changed(tensor: LazyTensor, changes: Changes, dtype: torch.dtype) -> LazyTensor:
    def compute() -> torch.Tensor:
        whole = tensor.read().to(torch.float32, copy=True)
        for place, file, layer, strength in changes:
            view = whole.T if place.transposed and not place.is_bias else whole
            if place.third is not None:
                view = view.chunk(3)[place.third]
            try:
                parts = file.parts(layer)
                bias = bias_change(parts) if place.is_bias else None
                if bias is None:
                    change = weight_change(parts, view, strength)
                else:
                    change = bias.view_as(view) * strength
            except (UnknownAdapterError, KeyError, RuntimeError) as error:
                raise ConfigError(
                    f"The layer {layer} of {file.path.name} cannot be merged: {error}. The file "
                    "was made for another base model, or in a form that is not known here."
                ) from error
            view += change
        return whole.to(dtype)

    return LazyTensor(dtype, tensor.shape, compute)


def extract_lora(tuned: Path, base: Path, target: Path, options: ExtractOptions) -> SmallerLora:
    """Write the difference of two checkpoints as a LoRA on the layers that kohya's scripts adapt.

    Layers that did not change are left out. Raises ConfigError where nothing changed, or the two
    are not of one structure.
    """
    after, before = open_model(tuned), open_model(base)
    layers, kept = _extracted(after.tensors, before.tensors, options)
    if not layers:
        raise ConfigError(
            f"{tuned.name} and {base.name} are the same in every layer that a LoRA can change, "
            "so there is nothing to extract."
        )
    inputs = [ingredient(file.path, file.metadata) for file in (after, before)]
    row = ARCHITECTURES[architecture_of(after.tensors)]
    metadata = {
        "ss_base_model_version": row.base_version,
        "ss_v2": str(row.v2),
        "modelspec.architecture": f"{row.modelspec}/lora",
        "modelspec.implementation": row.implementation,
        "ss_sd_model_name": base.name,
        "ss_new_sd_model_hash": inputs[1].sha256,
    }
    settings = {
        "rank": options.linear.rank,
        "energy": options.linear.energy,
        "conv_rank": options.conv.rank if options.conv else None,
    }
    metadata |= recipe_metadata("Extract LoRA", inputs, settings)
    saved = save_lora(target, layers, options.dtype, metadata)
    ranks = tuple(sorted({layer.rank for layer in layers.values()}))
    return SmallerLora(saved, ranks, fmean(kept), min(kept))


def _extracted(
    after: LazyTensors, before: LazyTensors, options: ExtractOptions
) -> tuple[dict[str, LowRank], list[float]]:
    """Return the layers that changed, and the share of the energy that each keeps."""
    layers, kept = {}, []
    for place in layer_places(after):
        choice = _choice(place, place.weight(after), options)
        difference = None if choice is None else _difference(place, after, before)
        if choice is None or difference is None:
            continue
        factors = factor_matrix(difference.flatten(1), choice)
        down = factors.down.reshape(factors.rank, *difference.shape[1:])
        up = factors.up.reshape(*factors.up.shape, *(1 for _ in difference.shape[2:]))
        layers[place.name] = LowRank(up, down, 1.0)
        kept.append(factors.kept)
    return layers, kept


def _choice(place: LayerPlace, weight: LazyTensor, options: ExtractOptions) -> RankChoice | None:
    wide = len(weight.shape) == 4 and weight.shape[2:] != (1, 1)
    if place.part == "text":
        return options.linear if options.text_encoder else None
    if place.part == "attention":
        return options.linear
    if place.part == "resnet" and options.conv is not None:
        return options.conv if wide else options.linear
    return None


def _difference(place: LayerPlace, after: LazyTensors, before: LazyTensors) -> torch.Tensor | None:
    new = place.weight(after)
    if place.tensor not in before or place.weight(before).shape != new.shape:
        raise ConfigError(
            f"The two checkpoints differ in structure: {place.tensor} is not the same size in "
            "both. Give the checkpoint that the other one was trained from."
        )
    difference = new.read().float() - place.weight(before).read().float()
    return difference if bool(difference.any()) else None
