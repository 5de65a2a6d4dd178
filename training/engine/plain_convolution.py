"""Convolutions of one picture with few places, as plain products of matrices."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import torch
from torch import Tensor, nn

from training.engine.products import is_read_in_place, product

Kept = dict[Hashable, Any]


def plain_product(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    padding: int,
    stride: int = 1,
    copies: Kept | None = None,
) -> Tensor:
    """Return the convolution of x (1, C, H, W) with weights (O, C, side, side) that do not train.

    The backward pass keeps the weights turned over in `copies`, where that is given and oneDNN
    then reads them in place.
    """
    y: Tensor = _PlainProduct.apply(x, weight, bias, padding, stride, copies)
    return y


class _PlainProduct(torch.autograd.Function):
    """A convolution of one picture (1, C, H, W) as a product with the places around each place."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: int, stride: int,
        copies: Kept | None,
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(weight)
        ctx.copies = copies
        ctx.size, ctx.places = x.shape[2:], {"padding": padding, "stride": stride}
        ctx.is_pointwise = x.shape[1] == weight[0].numel() and stride == 1
        around = x[0].flatten(1)
        if not ctx.is_pointwise:
            around = nn.functional.unfold(x, weight.shape[2:], **ctx.places)[0]
        rows = weight.flatten(1)
        y = product(rows, around)
        if bias is not None:
            y.add_(bias[:, None])
        return y.view(1, len(rows), -(-x.shape[2] // stride), -(-x.shape[3] // stride))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        around = _turned_product(weight, grad[0].flatten(1), ctx.copies)
        if ctx.is_pointwise:
            return around.view(1, -1, *ctx.size), None, None, None, None, None
        grad_x = nn.functional.fold(around[None], ctx.size, weight.shape[2:], **ctx.places)
        return grad_x, None, None, None, None, None


def _turned_product(weight: Tensor, columns: Tensor, copies: Kept | None) -> Tensor:
    """Return weightᵀ · columns for a weight (O, ...) taken as a matrix."""
    matrix = weight.flatten(1)
    if copies is None:
        return matrix.T @ columns
    key = ("turned", weight.data_ptr())
    turned = copies.get(key)
    if turned is None:
        if not is_read_in_place(matrix, columns):
            return matrix.T @ columns
        turned = copies[key] = matrix.T.contiguous()
    return product(turned, columns)
