"""LoRA arithmetic in fewer operations: one product with the folded weight instead of five.

peft defines what an adapter is and stays the reference; these functions compute the same values
and gradients (tests compare them over 20 steps). A convolution with a kernel of one pixel is a
product too, with the positions as tokens. Layers that read the same input do so together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from training.engine.adapters.functions import (
    LinearsWithAdapters,
    LinearWithAdapter,
    PointwiseWithAdapter,
)
from training.engine.joining import Joinable


def can_be_fused(layer: nn.Module) -> bool:
    """Tell whether the adapter of a layer is a product of two matrices, as most are.

    Wider convolutions are left to peft: folding a 3x3 weight costs more than it saves (measured).
    """
    if isinstance(layer, nn.Conv2d):
        plain = (1, 1)
        return layer.kernel_size == layer.stride == plain and layer.groups == 1
    return isinstance(layer, nn.Linear)


class FusedAdapter(Joinable):
    """Stands where a layer stood and computes with its weight and two small trained ones."""

    def __init__(self, base: nn.Linear | nn.Conv2d, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base
        self.alpha = float(alpha)
        self.scale = float(alpha) / rank
        outputs, inputs, *kernel = base.weight.shape
        device = base.weight.device
        self.down = nn.Parameter(torch.empty(rank, inputs, *kernel, device=device))
        self.up = nn.Parameter(torch.zeros(outputs, rank, *kernel, device=device))
        self._function = PointwiseWithAdapter if kernel else LinearWithAdapter

    def forward(self, x: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
        """Return what a layer with peft's adapter would."""
        weight, down, up = (t.flatten(1) for t in (self.base.weight, self.down, self.up))
        y: Tensor = self._function.apply(x, weight, self.base.bias, down, up, self.scale)
        return y

    def joins(self, x: Tensor) -> bool:
        """Tell whether it saves operations to compute with others on the same input."""
        return x.device.type == "cpu" and self.base.weight.dim() == 2

    @staticmethod
    def joined(layers: Sequence[Joinable], x: Tensor) -> tuple[Tensor, ...]:
        """Return what each layer would."""
        own = [layer for layer in layers if isinstance(layer, FusedAdapter)]
        given = [t for one in own for t in (one.base.weight, one.base.bias, one.down, one.up)]
        made: tuple[Tensor, ...] = LinearsWithAdapters.apply(x, [o.scale for o in own], *given)
        return made

    def by_file_key(self) -> dict[str, nn.Parameter]:
        """Return both matrices under the names they have in a file."""
        return {"lora_down.weight": self.down, "lora_up.weight": self.up}

    def keep_norm_below(self, limit: float) -> None:
        """Shrink both matrices alike."""
        shrink(self.down, self.up, self.scale, limit)


@torch.no_grad()
def initialise(down: Tensor, seed: int) -> None:
    """Draw the first matrix of an adapter as peft and kohya do, from a seed of its own."""
    draws = torch.empty(down.shape)
    generator = torch.Generator().manual_seed(seed)
    nn.init.kaiming_uniform_(draws, a=math.sqrt(5), generator=generator)
    down.copy_(draws)


@torch.no_grad()
def shrink(down: Tensor, up: Tensor, scale: float, limit: float) -> None:
    """Shrink both matrices alike where the norm of scale·up·down is above the limit."""
    norm = torch.linalg.matrix_norm(up.flatten(1) @ down.flatten(1)) * scale
    factor = (limit / norm.clamp(min=1e-12)).clamp(max=1.0).sqrt()
    down.mul_(factor)
    up.mul_(factor)
