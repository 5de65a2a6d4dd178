"""A LoRA layer with kohya's three kinds of dropout: of values, of ranks and of whole modules.

https://github.com/kohya-ss/sd-scripts/blob/main/networks/lora.py. The draws come from torch's own
generator, which each step seeds from its number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Dropping:
    """Shares set to zero in each step: values inside an adapter, ranks, and whole adapters."""

    values: float = 0.0
    ranks: float = 0.0
    modules: float = 0.0

    @property
    def acts(self) -> bool:
        """Tell whether anything is dropped."""
        return bool(self.values or self.ranks or self.modules)

    def skips_module(self) -> bool:
        """Draw whether an adapter is left out of this pass."""
        return bool(self.modules) and bool(torch.rand(1) < self.modules)


class DroppingAdapter(nn.Module):
    """Stands where a peft layer stood, uses its weights, and drops as kohya's LoRA does."""

    def __init__(self, layer: Any, adapter: str, dropping: Dropping) -> None:
        super().__init__()
        self.layer = layer
        self.down = layer.lora_A[adapter]
        self.up = layer.lora_B[adapter]
        self.scale = float(layer.scaling[adapter])
        self.dropping = dropping

    def forward(self, x: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
        """Return the layer's output plus that of the adapter."""
        base: Tensor = self.layer.base_layer(x)
        if not self.training:
            change: Tensor = self.up(self._inner(x))
            return base + change * self.scale
        if self.dropping.skips_module():
            return base
        inner, scale = self._inner(x), self.scale
        if self.dropping.values:
            inner = F.dropout(inner, self.dropping.values)
        if self.dropping.ranks:
            inner = inner * self._kept_ranks(inner)
            scale /= 1 - self.dropping.ranks
        change = self.up(inner)
        return base + change * scale

    def _inner(self, x: Tensor) -> Tensor:
        inner: Tensor = self.down(x)
        return inner

    def _kept_ranks(self, inner: Tensor) -> Tensor:
        """Return a mask of ones and zeros, one figure a picture and rank, shaped for `inner`."""
        channels_last = isinstance(self.down, nn.Linear)
        rank = inner.shape[-1] if channels_last else inner.shape[1]
        kept = (torch.rand(inner.shape[0], rank, device=inner.device) > self.dropping.ranks).to(
            inner.dtype
        )
        if channels_last:
            return kept.view(inner.shape[0], *(1,) * (inner.ndim - 2), rank)
        return kept.view(inner.shape[0], rank, *(1,) * (inner.ndim - 2))
