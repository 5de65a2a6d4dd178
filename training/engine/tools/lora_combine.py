"""Several LoRAs as one: exactly, side by side, or cut to a rank; and one LoRA made smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from training.engine.errors import ConfigError
from training.engine.files.lazy_tensors import SavedModel
from training.engine.tools.lora_files import (
    LoraFile,
    LowRank,
    WeightedLora,
    kept_metadata,
    open_lora,
    save_lora,
)
from training.engine.tools.low_rank import RankChoice, factor_product
from training.engine.tools.recipes import ingredient, recipe_metadata


@dataclass(frozen=True)
class SmallerLora:
    """A written LoRA: its ranks, and the share of the change's energy that it keeps."""

    saved: SavedModel
    ranks: tuple[int, ...]
    mean_kept: float
    least_kept: float


def combine_loras(
    loras: Sequence[WeightedLora],
    target: Path,
    *,
    choice: RankChoice | None = None,
    dtype: torch.dtype = torch.float16,
) -> SmallerLora:
    """Write one LoRA that acts as all of them at their weights together.

    Without `choice` the ranks add up and nothing is lost but rounding; with it the sum is cut by
    its singular values. Raises ConfigError for files that are no plain LoRAs.
    """
    if not loras:
        raise ConfigError("There is nothing to combine. Give at least one LoRA file.")
    files = [open_lora(lora.path) for lora in loras]
    names = sorted({name for file in files for name in file.layers})
    layers, kept = {}, []
    for name in names:
        joined = _joined(name, files, loras)
        if choice is None:
            layers[name] = joined
        else:
            layers[name], share = _cut(joined, choice)
            kept.append(share)
    inputs = [ingredient(file.path, file.metadata) for file in files]
    settings = {
        "weights": [lora.weight for lora in loras],
        "rank": choice.rank if choice else None,
        "energy": choice.energy if choice else None,
    }
    kind = "Combine LoRAs" if choice is None else "Combine LoRAs, SVD"
    metadata = kept_metadata(files) | recipe_metadata(kind, inputs, settings)
    saved = save_lora(target, layers, dtype, metadata)
    ranks = tuple(sorted({layer.rank for layer in layers.values()}))
    return SmallerLora(saved, ranks, fmean(kept or [1.0]), min(kept or [1.0]))


def resize_lora(
    source: Path, target: Path, choice: RankChoice, *, dtype: torch.dtype = torch.float16
) -> SmallerLora:
    """Write a LoRA with fewer directions; alpha stays the same share of the largest rank."""
    file = open_lora(source)
    layers, kept = {}, []
    for name in file.layers:
        layers[name], share = _cut(file.low_rank(name), choice)
        kept.append(share)
    settings = {"rank": choice.rank, "energy": choice.energy}
    metadata = kept_metadata([file]) | recipe_metadata(
        "Resize LoRA", [ingredient(source, file.metadata)], settings
    )
    saved = save_lora(target, layers, dtype, metadata)
    ranks = tuple(sorted({layer.rank for layer in layers.values()}))
    return SmallerLora(saved, ranks, fmean(kept), min(kept))


def _joined(name: str, files: list[LoraFile], loras: Sequence[WeightedLora]) -> LowRank:
    """Stack the layers of all files; each one's strength is shared by both of its sides."""
    ups, downs = [], []
    for file, lora in zip(files, loras, strict=True):
        if name not in file.layers:
            continue
        layer = file.low_rank(name)
        strength = layer.scale * lora.weight
        root = abs(strength) ** 0.5
        ups.append(layer.up * (root if strength >= 0 else -root))
        downs.append(layer.down * root)
    shapes = {
        (up.shape[0], *up.shape[2:], *down.shape[1:]) for up, down in zip(ups, downs, strict=True)
    }
    if len(shapes) > 1:
        raise ConfigError(
            f"The layer {name} has another size in one of the files: they were made for "
            "different base models and cannot be one LoRA."
        )
    return LowRank(torch.cat(ups, dim=1), torch.cat(downs, dim=0), 1.0)


def _cut(layer: LowRank, choice: RankChoice) -> tuple[LowRank, float]:
    factors = factor_product(layer.up.flatten(1), layer.down.flatten(1), choice)
    rank = factors.rank
    down = factors.down.reshape(rank, *layer.down.shape[1:])
    up = factors.up.reshape(len(layer.up), rank, *layer.up.shape[2:])
    return LowRank(up, down, layer.scale), factors.kept
