"""Convolutions of 3 x 3 in four ninths or a quarter of the multiplications.

Winograd's minimal filtering as Lavin and Gray put it to use (Fast Algorithms for Convolutional
Neural Networks, arXiv 1509.09308): a tile of 4 x 4 values, of which neighbours overlap by two,
gives 2 x 2 results by 16 products where the plain sum takes 36; one of 6 x 6 gives 4 x 4 by 36 in
place of 144. Over all channels and tiles these are 16 or 36 products of matrices:

    Y = Aᵀ [ (G w Gᵀ) · (Bᵀ d B) ] A

with w the kernel, d a tile, and small matrices A, B and G. The gradient towards d is the same from
behind, with the same transformed weights.

Shapes: pictures (1, C, H, W) with sides that are whole tiles, their tiles (P, C, T), P = 16 or 36
places of a tile in rows, T = H/2 · W/2 or H/4 · W/4; weights (O, I, 3, 3), transformed (P, O, I).
Padding is 1.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from training.engine import tiles_of_four, tiles_of_two
from training.engine.products import is_read_in_place, product

BY_SIDE: dict[int, ModuleType] = {kind.SIDE: kind for kind in (tiles_of_two, tiles_of_four)}


def transformed(weight: Tensor, side: int) -> Tensor:
    """Return the weights (O, I, 3, 3) as matrices (P, O, I) for tiles with so many results."""
    matrices: Tensor = BY_SIDE[side].transformed(weight)
    return matrices


class WinogradProduct(torch.autograd.Function):
    """The convolution of pictures (N, I, H, W) with transformed weights that do not train."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
        """Return (N, O, H, W)."""
        ctx.save_for_backward(weights)
        return _joined([_convolved(picture, weights, bias) for picture in x.split(1)])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the pictures."""
        (weights,) = ctx.saved_tensors
        return _joined([_turned_back(one, weights) for one in grad.split(1)]), None, None


def _joined(pictures: list[Tensor]) -> Tensor:
    return pictures[0] if len(pictures) == 1 else torch.cat(pictures)


def _convolved(x: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
    kind = _kind(weights)
    y: Tensor = kind.results_of(_products(weights, kind.tiles_of(x)), *x.shape[2:])
    return y if bias is None else y.add_(bias[:, None, None])


def _products(weights: Tensor, tiles: Tensor) -> Tensor:
    if is_read_in_place(weights[0], tiles[0]):
        return torch.stack([product(*pair) for pair in zip(weights, tiles, strict=True)])
    return torch.bmm(weights, tiles)


def _turned_back(grad: Tensor, weights: Tensor) -> Tensor:
    kind = _kind(weights)
    products = torch.bmm(weights.transpose(1, 2), kind.tiles_of_results(grad))
    grad_x: Tensor = kind.from_tiles(products, *grad.shape[2:])
    return grad_x


def _kind(weights: Tensor) -> ModuleType:
    return BY_SIDE[2 if len(weights) == 16 else 4]
