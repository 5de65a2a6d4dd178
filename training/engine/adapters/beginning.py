"""A LoRA that goes on from the file of another one, in the form of any tool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch

from training.engine.adapters.targets import Target
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.files.adapter_files import RANK_FIRST, AdapterFile, open_adapter

Tensors = dict[str, torch.Tensor]


class Fillable(Protocol):
    """What is asked of the adapter of one layer."""

    @property
    def alpha(self) -> float:
        """Return the alpha that it is trained with."""

    def by_file_key(self) -> dict[str, torch.nn.Parameter]:
        """Return the trained tensors under the names they have in a file."""


def shaped_as_its_file(config: TrainConfig) -> TrainConfig:
    """Return settings with the rank and alpha that most layers of the beginning have, if asked."""
    if not config.network.dim_from_weights:
        return config
    shapes = Counter(_shapes(Path(config.initial_weights)).values())
    if not shapes:
        raise ConfigError(f"{config.initial_weights} has no layers of a LoRA to take ranks from.")
    (rank, alpha), _ = shapes.most_common(1)[0]
    network = config.network.model_copy(update={"dim": rank, "alpha": alpha})
    return config.model_copy(update={"network": network})


def shaped_as_file(targets: list[Target], path: Path) -> list[Target]:
    """Return the targets that a file has, each with its rank and alpha there."""
    shapes = _shapes(path)
    found = []
    for target in targets:
        names = (target.name, target.name.replace("lora_te_", "lora_te1_"))
        shape = next((shapes[name] for name in names if name in shapes), None)
        if shape is not None:
            found.append(replace(target, rank=shape[0], alpha=shape[1], file_alpha=None))
    return found


def _shapes(path: Path) -> dict[str, tuple[int, float]]:
    """Return rank and alpha of each layer of a file; no alpha, or 0, means the rank."""
    file = open_adapter(path)
    found = {}
    for name, parts in file.layers.items():
        side = next((parts[key] for key in RANK_FIRST if key in parts), None)
        if side is not None:
            alpha = float(parts["alpha"].read()) if "alpha" in parts else 0.0
            found[name] = (side.shape[0], alpha or float(side.shape[0]))
    return found


@torch.no_grad()
def fill_adapters(adapters: Mapping[str, Fillable], path: Path) -> None:
    """Put the numbers of a file into the adapters of its layers, so that they act as it does.

    A layer that the file does not change begins as ever. Raises ConfigError for a file that
    changes layers which are not trained, or has another shape, and BaseModelError for one that
    cannot be read.
    """
    file = open_adapter(path)
    names = {name: name.replace("lora_te1_", "lora_te_") for name in file.layers}
    if "lora_te1_" in " ".join(adapters):  # SDXL has two text encoders
        names = {name: name for name in file.layers}
    others = sorted(name for name, own in names.items() if own not in adapters)
    if others:
        raise ConfigError(
            f"{path.name} changes {others[0]} ({len(others)} such layers), which these settings do "
            "not train, so the run cannot go on from it. Train the same parts of the same kind of "
            "base model."
        )
    for name, own in names.items():
        _fill(adapters[own], file, name)


def _fill(adapter: Fillable, file: AdapterFile, name: str) -> None:
    parts, parameters = file.parts(name), adapter.by_file_key()
    alpha = parts.pop("alpha", None)
    rank = next((len(parts[key]) for key in RANK_FIRST if key in parts), 1)
    shapes = {key: tuple(tensor.shape) for key, tensor in parts.items()}
    wanted = {key: tuple(parameter.shape) for key, parameter in parameters.items()}
    if shapes != wanted:
        raise ConfigError(
            f"In {file.path.name} the layer {name} is of another kind or rank: it has {shapes}, "
            f"and these settings make {wanted}. Set network.dim and what else stands in that table "
            "to those of the file."
        )
    ratio = ((float(alpha) if alpha is not None else 0.0) or rank) / adapter.alpha
    if ratio != 1 and "lora_up.weight" not in parameters:
        raise ConfigError(
            f"{file.path.name} has another alpha than these settings. Set network.alpha to "
            f"{ratio * adapter.alpha:g}."
        )
    for key, parameter in parameters.items():
        parameter.copy_(parts[key] * (ratio if key == "lora_up.weight" else 1.0))
