"""The blocks that UNets and autoencoders of Stable Diffusion are made of, in plain torch.

Classes, the names of their parts and the order of their operations are those of diffusers, so that
weights, adapters and converters mean the same things; tests hold both side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Checkpointing(nn.Module):
    """A part that can compute what is inside it again in the backward pass, to save memory."""

    checkpointing = False

    def passed(self, part: nn.Module, *given: Any) -> Tensor:
        """Return what a part makes of its input; its inner values are kept, or not."""
        if self.checkpointing and torch.is_grad_enabled():
            computed: Tensor = checkpoint(part, *given, use_reentrant=False)
            return computed
        kept: Tensor = part(*given)
        return kept


class ResnetBlock2D(nn.Module):
    """Two convolutions beside a short way; `time` is the width of the time embedding, if any."""

    def __init__(
        self, inside: int, outside: int, *, groups: int, eps: float, time: int | None = None
    ) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inside, eps)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        if time is not None:
            self.time_emb_proj = nn.Linear(time, outside)
        self.norm2 = nn.GroupNorm(groups, outside, eps)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else None

    def forward(self, x: Tensor, time: Tensor | None = None) -> Tensor:
        """Return the sum of both ways for x (n, c, h, w); `time` (n, width) is past its SiLU."""
        hidden: Tensor = self.conv1(F.silu(self.norm1(x)))
        if time is not None:
            hidden = hidden + self.time_emb_proj(time)[:, :, None, None]
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        short: Tensor = x if self.conv_shortcut is None else self.conv_shortcut(x)
        return short + hidden


class Downsample2D(nn.Module):
    """Half the side by a convolution; autoencoders pad at the far sides alone."""

    def __init__(self, channels: int, *, padding: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=padding)
        self._pads = padding == 0

    def forward(self, x: Tensor) -> Tensor:
        """Return x (n, c, h, w) at half its size."""
        smaller: Tensor = self.conv(F.pad(x, (0, 1, 0, 1)) if self._pads else x)
        return smaller


class Upsample2D(nn.Module):
    """Twice the side, each place repeated, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, size: Sequence[int] | None = None) -> Tensor:
        """Return x (n, c, h, w) at twice its size, or at the size that is given."""
        size = size or [2 * side for side in x.shape[2:]]
        larger: Tensor = self.conv(F.interpolate(x, size=list(size), mode="nearest"))
        return larger
