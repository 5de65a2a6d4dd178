"""The transformers inside a UNet: attention within the picture and to the text, feed-forward."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.engine.attention import attend
from training.engine.joining import side_by_side
from training.engine.parts.blocks import Checkpointing


class Attention(nn.Module):
    """Attention of a picture's places to each other, or to a context of another width."""

    def __init__(self, width: int, heads: int, context: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.plain_scores = 0  # maps up to this size take the plain form; see attention.py
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context or width, width, bias=False)
        self.to_v = nn.Linear(context or width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width), nn.Identity()])

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Return x (n, places, width) after attention to the context, or to itself."""
        if context is None:
            projected = side_by_side(x, self.to_q, self.to_k, self.to_v)
        else:
            projected = self.to_q(x), *side_by_side(context, self.to_k, self.to_v)
        query, key, value = (_by_head(part, self.heads) for part in projected)
        mixed = attend(query, key, value, plain_scores=self.plain_scores)
        out: Tensor = self.to_out[0](mixed.transpose(1, 2).flatten(2))
        return out


def _by_head(projected: Tensor, heads: int) -> Tensor:
    batch, length, width = projected.shape
    return projected.view(batch, length, heads, width // heads).transpose(1, 2)


class GEGLU(nn.Module):
    """One half of a projection, times the GELU of the other."""

    def __init__(self, width: int, inside: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * inside)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, places, inside) for x (n, places, width)."""
        projected: Tensor = self.proj(x)
        if projected.device.type == "cpu":
            gated: Tensor = _Gated.apply(projected)
            return gated
        value, gate = projected.chunk(2, dim=-1)
        return value * F.gelu(gate)


class _Gated(torch.autograd.Function):
    """The same, whose gradients of both halves are written where they belong, not joined after."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor) -> Tensor:
        value, gate = projected.chunk(2, dim=-1)
        opened = F.gelu(gate)
        ctx.save_for_backward(projected, opened)
        return value * opened

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        projected, opened = ctx.saved_tensors
        value, gate = projected.chunk(2, dim=-1)
        towards = torch.empty_like(projected)
        of_value, of_gate = towards.chunk(2, dim=-1)
        torch.mul(grad, opened, out=of_value)
        torch.mul(grad, value, out=of_gate)
        torch.ops.aten.gelu_backward.grad_input(of_gate, gate, grad_input=of_gate)
        return towards


class FeedForward(nn.Module):
    """Four times the width, gated, and back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(
            [GEGLU(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of x."""
        out: Tensor = self.net[2](self.net[0](x))
        return out


class BasicTransformerBlock(nn.Module):
    """Attention in the picture, attention to the text, feed-forward, each beside a short way."""

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = Attention(width, heads, context)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        """Return x (n, places, width) after all three; text is (n, tokens, context)."""
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), text) + x
        out: Tensor = self.ff(self.norm3(x)) + x
        return out


class Transformer2DModel(Checkpointing):
    """Transformer blocks over the places of a map; SD 1 projects by convolutions, others not."""

    def __init__(
        self, channels: int, *, heads: int, context: int, layers: int, groups: int, linear: bool
    ) -> None:
        super().__init__()
        self._linear = linear
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.proj_in = _projection(channels, linear=linear)
        self.transformer_blocks = nn.ModuleList(
            BasicTransformerBlock(channels, heads, context) for _ in range(layers)
        )
        self.proj_out = _projection(channels, linear=linear)

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        """Return x (n, c, h, w) plus what the blocks make of it."""
        batch, channels, height, width = x.shape
        hidden = self.norm(x)
        if not self._linear:
            hidden = self.proj_in(hidden)
        hidden = hidden.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        if self._linear:
            hidden = self.proj_in(hidden)
        for block in self.transformer_blocks:
            hidden = self.passed(block, hidden, text)
        if self._linear:
            hidden = self.proj_out(hidden)
        hidden = hidden.reshape(batch, height, width, channels).permute(0, 3, 1, 2).contiguous()
        if not self._linear:
            hidden = self.proj_out(hidden)
        out: Tensor = hidden + x
        return out


def _projection(channels: int, *, linear: bool) -> nn.Module:
    return nn.Linear(channels, channels) if linear else nn.Conv2d(channels, channels, 1)
