"""The values and gradients of layers with adapters, in fewer operations than peft's.

Where a layer sees many tokens, W + s·B·A is cheaper to form than to apply B and A apart; it is
formed again in the backward pass instead of being kept.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from training.engine.products import (
    is_read_in_place,
    layer_product,
    product,
    product_of_rows,
    scaled,
)

LEAST_VALUES_TURNED = 2**17
"""Values of a gradient that is rather read as it lies: 0.74 instead of 1.0 ms for 64 x 10,240."""


class LinearWithAdapter(torch.autograd.Function):
    """x·(W + s·B·A)ᵀ + b with gradients for x, A and B; x is (…, in)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor,
        scale: float,
    ) -> Tensor:  # fmt: skip
        """Return y."""
        ctx.scale = scale
        rows = x.reshape(-1, x.shape[-1])
        if folding_pays(len(rows), weight):
            ctx.save_for_backward(x, weight, down, up, None)
            y = layer_product(rows, torch.addmm(weight, up, down, alpha=scale), bias)
        else:
            inner = product(rows, down.T)  # (tokens, rank): so small that it is kept
            ctx.save_for_backward(x, weight, down, up, inner)
            y = layer_product(rows, weight, bias).addmm_(inner, up.T, alpha=scale)
        return y.reshape(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, A and B."""
        x, weight, down, up, inner = ctx.saved_tensors
        rows, grads = x.reshape(-1, x.shape[-1]), grad.reshape(-1, grad.shape[-1])
        inner = product(rows, down.T) if inner is None else inner
        grad_inner = scaled(product(grads, up), ctx.scale)
        grad_down = grad_inner.T @ rows
        grad_up = _turned_product(grads, scaled(inner, ctx.scale))
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = product_of_rows(grads, weight).addmm_(grad_inner, down).reshape(x.shape)
        return grad_x, None, None, grad_down, grad_up, None


class LinearsWithAdapters(torch.autograd.Function):
    """Several layers with adapters on the same input: what depends on it alone is made once.

    Each layer gives its weight, bias, A and B; the scales come first.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scales: list[float], *given: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Return y of each layer, all (…, out of the layer)."""
        layers: list[Any] = [given[n : n + 4] for n in range(0, len(given), 4)]
        rows = x.reshape(-1, x.shape[-1])
        downs = torch.cat([down for _, _, down, _ in layers])
        ctx.scales, ctx.ranks = scales, [len(down) for _, _, down, _ in layers]
        if all(folding_pays(len(rows), weight) for weight, *_ in layers):
            inner = None
            made = [
                layer_product(rows, torch.addmm(weight, up, down, alpha=scale), bias)
                for scale, (weight, bias, down, up) in zip(scales, layers, strict=True)
            ]
        else:
            inner = rows @ downs.T
            made = [
                layer_product(rows, weight, bias).addmm_(part, up.T, alpha=scale)
                for scale, part, (weight, bias, _, up) in zip(
                    scales, inner.split(ctx.ranks, 1), layers, strict=True
                )
            ]
        weights, ups = [weight for weight, *_ in layers], [up for *_, up in layers]
        ctx.save_for_backward(x, downs, inner, *weights, *ups)
        return tuple(y.reshape(*x.shape[:-1], -1) for y in made)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x and of each A and B."""
        x, downs, inner, *others = ctx.saved_tensors
        count = len(ctx.scales)
        weights, ups = others[:count], others[count:]
        rows = x.reshape(-1, x.shape[-1])
        inner = rows @ downs.T if inner is None else inner
        towards = [grad.reshape(-1, grad.shape[-1]) for grad in grads]
        each = list(zip(towards, ups, ctx.scales, strict=True))
        grad_inner = torch.cat([scaled(product(grad, up), s) for grad, up, s in each], 1)
        grad_downs = (grad_inner.T @ rows).split(ctx.ranks)
        parts = inner.split(ctx.ranks, 1)
        grad_ups = [
            _turned_product(grad, scaled(part, s))
            for part, (grad, _, s) in zip(parts, each, strict=True)
        ]
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = product_of_rows(towards[0], weights[0])
            for grad, weight in zip(towards[1:], weights[1:], strict=True):
                grad_x.addmm_(grad, weight)
            grad_x = grad_x.addmm_(grad_inner, downs).reshape(x.shape)
        of_layers = [
            part for pair in zip(grad_downs, grad_ups, strict=True) for part in (None, None, *pair)
        ]
        return grad_x, None, *of_layers


class PointwiseWithAdapter(torch.autograd.Function):
    """The same for a convolution with a kernel of one pixel; x is (n, in, h, w).

    The positions stay the last axis, so that nothing is turned over: y = (W + s·B·A)·x + b.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor,
        scale: float,
    ) -> Tensor:  # fmt: skip
        """Return y."""
        columns = x.reshape(*x.shape[:2], -1)
        ctx.save_for_backward(columns, weight, down, up)
        ctx.scale, ctx.folds = scale, folding_pays(len(x) * columns.shape[2], weight)
        if ctx.folds:
            y = _for_each(torch.addmm(weight, up, down, alpha=scale), columns, bias)
        else:
            y = _for_each(weight, columns, bias)
            _add_for_each(y, up, down @ columns, scale)
        return y.reshape(len(x), -1, *x.shape[2:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, A and B."""
        columns, weight, down, up = ctx.saved_tensors
        grads = grad.reshape(*grad.shape[:2], -1)
        downs, ups = [], []
        for its_columns, its_grads in zip(columns, grads, strict=True):
            downs.append(scaled(up.T @ its_grads, ctx.scale) @ its_columns.T)
            ups.append(its_grads @ scaled(down @ its_columns, ctx.scale).T)
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


def _turned_product(grads: Tensor, inner: Tensor) -> Tensor:
    """Return gradsᵀ · inner, by the transpose of innerᵀ · grads where that is quicker."""
    if grads.numel() < LEAST_VALUES_TURNED:
        return grads.T @ inner
    return (inner.T @ grads).T.contiguous()


def folding_pays(tokens: int, weight: Tensor) -> bool:
    """Tell whether W + s·B·A is cheaper to form than to apply apart to so many tokens."""
    return tokens * (weight.shape[0] + weight.shape[1]) > weight.numel()
