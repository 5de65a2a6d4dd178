"""LoRA arithmetic in fewer operations: one product with the folded weight instead of five.

peft defines what an adapter is and stays the reference; these functions compute the same values
and gradients (tests compare them over 20 steps). Where a layer sees many tokens, W + s·B·A is
cheaper to form than to apply B and A apart; it is formed again in the backward pass instead of
being kept. A convolution with a kernel of one pixel is a product too, with the positions as tokens.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.engine.products import is_read_in_place, product

MOST_ROWS = 128
"""Rows up to which a wide product is made piece by piece."""
WIDER = 2
"""Outputs for each input from which a product is wide."""
PIECE = 512


class _LinearWithAdapter(torch.autograd.Function):
    """x·(W + s·B·A)ᵀ + b with gradients for x, A and B; x is (…, in)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor,
        scale: float,
    ) -> Tensor:  # fmt: skip
        ctx.scale = scale
        if _folding_pays(x.numel() // x.shape[-1], weight):
            ctx.save_for_backward(x, weight, down, up, None)
            return F.linear(x, torch.addmm(weight, up, down, alpha=scale), bias)
        rows = x.reshape(-1, x.shape[-1])
        inner = rows @ down.T  # (tokens, rank): so small that it is kept
        ctx.save_for_backward(x, weight, down, up, inner)
        y = _product(rows, weight.T, bias).addmm_(inner, up.T, alpha=scale)
        return y.reshape(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, down, up, inner = ctx.saved_tensors
        rows, grads = x.reshape(-1, x.shape[-1]), grad.reshape(-1, grad.shape[-1])
        inner = rows @ down.T if inner is None else inner
        grad_inner = _scaled_product(grads, up, ctx.scale)
        grad_down = grad_inner.T @ rows
        grad_up = _scaled_product(grads.T, inner, ctx.scale)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = _product(grads, weight).addmm_(grad_inner, down).reshape(x.shape)
        return grad_x, None, None, grad_down, grad_up, None


class _PointwiseWithAdapter(torch.autograd.Function):
    """The same for a convolution with a kernel of one pixel; x is (n, in, h, w).

    The positions stay the last axis, so that nothing is turned over: y = (W + s·B·A)·x + b.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor,
        scale: float,
    ) -> Tensor:  # fmt: skip
        columns = x.reshape(*x.shape[:2], -1)
        ctx.save_for_backward(columns, weight, down, up)
        ctx.scale, ctx.folds = scale, _folding_pays(len(x) * columns.shape[2], weight)
        if ctx.folds:
            y = _for_each(torch.addmm(weight, up, down, alpha=scale), columns, bias)
        else:
            y = _for_each(weight, columns, bias)
            _add_for_each(y, up, down @ columns, scale)
        return y.reshape(len(x), -1, *x.shape[2:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        columns, weight, down, up = ctx.saved_tensors
        grads = grad.reshape(*grad.shape[:2], -1)
        downs, ups = [], []
        for its_columns, its_grads in zip(columns, grads, strict=True):
            downs.append(_scaled_product(up.T, its_grads, ctx.scale) @ its_columns.T)
            ups.append(_scaled_product(its_grads, (down @ its_columns).T, ctx.scale))
        grad_down, grad_up = _total(downs), _total(ups)
        grad_x = None
        if ctx.needs_input_grad[0]:
            if ctx.folds:
                grad_x = _for_each(torch.addmm(weight, up, down, alpha=ctx.scale).T, grads)
            else:
                grad_x = _for_each(weight.T, grads)
                _add_for_each(grad_x, down.T, up.T @ grads, ctx.scale)
            grad_x = grad_x.reshape(len(grads), -1, *grad.shape[2:])
        return grad_x, None, None, grad_down, grad_up, None


def _product(rows: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return rows · matrix + bias, a wide result of few rows piece by piece.

    On a CPU torch's library does those in two thirds of the time: 59 instead of 42 GFLOP/s for 64
    rows of 1,280 to 10,240, 54 instead of 42 for 77 of 768 to 3,072 (one thread, AVX2).
    """
    inputs, outputs = matrix.shape
    if (
        len(rows) > MOST_ROWS
        or outputs < WIDER * inputs
        or rows.device.type != "cpu"
        or rows.dtype != torch.float32
        or torch.is_autocast_enabled("cpu")
    ):
        return rows @ matrix if bias is None else torch.addmm(bias, rows, matrix)
    y = rows.new_empty(len(rows), outputs)
    for start in range(0, outputs, PIECE):
        there = slice(start, start + PIECE)
        if bias is None:
            torch.mm(rows, matrix[:, there], out=y[:, there])
        else:
            torch.addmm(bias[there], rows, matrix[:, there], out=y[:, there])
    return y


def _for_each(matrix: Tensor, columns: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return matrix · columns + bias for each picture; columns are (n, in, positions)."""
    if len(columns) == 1 and is_read_in_place(matrix, columns[0]):
        y = product(matrix, columns[0])
        return y[None] if bias is None else y.add_(bias[:, None])[None]
    same = matrix[None].expand(len(columns), -1, -1)
    if bias is None:
        return torch.bmm(same, columns)
    return torch.baddbmm(bias[:, None], same, columns)


def _add_for_each(y: Tensor, matrix: Tensor, columns: Tensor, scale: float) -> None:
    y.baddbmm_(matrix[None].expand(len(columns), -1, -1), columns, alpha=scale)


def _total(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.stack(parts).sum(0)


def _scaled_product(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Return scale·a·b in one operation: nothing is read from the first argument."""
    unused = a[:1, :1].expand(a.shape[0], b.shape[1])
    return torch.addmm(unused, a, b, beta=0, alpha=scale)


def _folding_pays(tokens: int, weight: Tensor) -> bool:
    return tokens * (weight.shape[0] + weight.shape[1]) > weight.numel()


def can_be_fused(layer: nn.Module) -> bool:
    """Tell whether the adapter of a layer is a product of two matrices, as most are.

    Wider convolutions are left to peft: folding a 3x3 weight costs more than it saves (measured).
    """
    if isinstance(layer, nn.Conv2d):
        plain = (1, 1)
        return layer.kernel_size == layer.stride == plain and layer.groups == 1
    return isinstance(layer, nn.Linear)


class FusedAdapter(nn.Module):
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
        self._product = _PointwiseWithAdapter if kernel else _LinearWithAdapter

    def forward(self, x: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
        """Return what a layer with peft's adapter would."""
        weight, down, up = (t.flatten(1) for t in (self.base.weight, self.down, self.up))
        y: Tensor = self._product.apply(x, weight, self.base.bias, down, up, self.scale)
        return y

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
