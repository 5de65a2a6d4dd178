"""LoRA files as layers, read one layer at a time, and written with the true alphas."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from training.engine.adapter_change import scale_of
from training.engine.errors import ConfigError
from training.engine.files.adapter_files import MARKS, AdapterFile, open_adapter
from training.engine.files.lazy_tensors import LazyTensor, LazyTensors, SavedModel, save_lazy

LOW_RANK_PARTS = {"lora_down.weight", "lora_up.weight", "alpha"}
KEPT_KEYS = ("ss_base_model_version", "ss_v2", "ss_sd_model_name", "ss_new_sd_model_hash",
             "ss_clip_skip", "ss_tag_frequency", "ss_resolution", "modelspec.architecture",
             "modelspec.implementation", "modelspec.resolution", "modelspec.prediction_type",
             "modelspec.trigger_phrase", "modelspec.encoder_layer")  # fmt: skip


@dataclass(frozen=True)
class WeightedLora:
    """A LoRA file and how strongly it acts."""

    path: Path
    weight: float = 1.0


class LoraFile(AdapterFile):
    """An opened LoRA file whose layers may be products of two matrices."""

    def low_rank(self, layer: str) -> LowRank:
        """Read a layer as a product; ConfigError where it is none (LoHa, LoKr, DoRA, Tucker)."""
        others = set(self.layers[layer]) - LOW_RANK_PARTS
        if others:
            raise ConfigError(
                f"{self.path.name} is no plain LoRA: its layer {layer} has "
                f"{', '.join(sorted(others))}. Merge it into a checkpoint, and extract a LoRA "
                "from that."
            )
        parts = self.parts(layer)
        down, up = parts["lora_down.weight"].float(), parts["lora_up.weight"].float()
        return LowRank(up, down, scale_of(parts, len(down)))


@dataclass(frozen=True)
class LowRank:
    """One layer of a plain LoRA; its change is up times down times scale."""

    up: torch.Tensor
    down: torch.Tensor
    scale: float

    @property
    def rank(self) -> int:
        """Return the number of directions."""
        return len(self.down)

    @property
    def alpha(self) -> float:
        """Return alpha as files hold it: the scale times the rank."""
        return self.scale * self.rank

    def with_alpha(self, alpha: float) -> LowRank:
        """Return the same change under another alpha; both sides take half of the difference."""
        scale = alpha / self.rank
        root = (self.scale / scale) ** 0.5
        return LowRank(self.up * root, self.down * root, scale)

    def tensors(self, name: str, dtype: torch.dtype) -> LazyTensors:
        """Return the three tensors of a file."""
        alpha = torch.tensor(self.alpha)
        return {
            f"{name}.alpha": LazyTensor.of(alpha.to(dtype)),
            f"{name}.lora_down.weight": LazyTensor.of(self.down.to(dtype).contiguous()),
            f"{name}.lora_up.weight": LazyTensor.of(self.up.to(dtype).contiguous()),
        }


def open_lora(path: Path) -> LoraFile:
    """Open a LoRA in the form of any tool; ConfigError for anything else."""
    file = open_adapter(path)
    layers = {n: parts for n, parts in file.layers.items() if not parts.keys().isdisjoint(MARKS)}
    if not layers:
        raise ConfigError(
            f"{path.name} is not a LoRA in a form that is known here: it has no lora_down, lora_A, "
            "hada or lokr tensors. Choose a LoRA file."
        )
    return LoraFile(path, layers, file.metadata)


def save_lora(
    path: Path, layers: Mapping[str, LowRank], dtype: torch.dtype, metadata: Mapping[str, str]
) -> SavedModel:
    """Write a LoRA file with kohya's names, and its dim and alpha in the metadata.

    Where ranks differ, all layers get one alpha and their numbers are scaled to fit: diffusers
    0.42 loses an alpha that only some of the attention layers have.
    """
    alpha = max(layer.alpha for layer in layers.values())
    if any(abs(layer.alpha - alpha) > 1e-6 for layer in layers.values()):
        layers = {name: layer.with_alpha(alpha) for name, layer in layers.items()}
    tensors: LazyTensors = {}
    for name, layer in layers.items():
        tensors |= layer.tensors(name, dtype)
    return save_lazy(path, tensors, {**network_metadata(path.stem, layers.values()), **metadata})


def network_metadata(name: str, layers: Collection[LowRank]) -> dict[str, str]:
    """Return what other tools look for; "Dynamic" where ranks differ, as kohya's scripts say."""
    ranks = {layer.rank for layer in layers}
    alphas = {f"{layer.alpha:.6g}" for layer in layers}
    dim = ranks.pop() if len(ranks) == 1 else "Dynamic"
    alpha = float(alphas.pop()) if len(alphas) == 1 else "Dynamic"
    return {
        "ss_output_name": name,
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(dim),
        "ss_network_alpha": str(alpha),
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.title": name,
    }


def kept_metadata(files: Iterable[LoraFile]) -> dict[str, str]:
    """Return what all the files say alike about their base, in the first one's words."""
    first, *others = (file.metadata for file in files)
    return {
        key: first[key]
        for key in KEPT_KEYS
        if key in first and all(other.get(key, first[key]) == first[key] for other in others)
    }
