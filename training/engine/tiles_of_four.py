"""Tiles of 6 x 6 values that give 4 x 4 results: Winograd's F(4 x 4, 3 x 3), see winograd.py.

A quarter of the plain sum's multiplications, for weights of four times their size. The matrices are
those of Toom and Cook for the points 0, +-3/4, +-3/2 and infinity; with the usual 0, +-1, +-2 the
results are four times as far from exact ones. With these they are as near as those of oneDNN's
plain convolution (8e-6 at most against 1e-5 for 320 channels, 1.2e-6 and 1e-6 on average).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.engine.tiles_of_two import both_sides

SIDE = 4
_PLACES = SIDE + 2
_A = (
    (1.0, 0.0, 0.0, 0.0),
    (1.0, 3 / 4, 9 / 16, 27 / 64),
    (1.0, -3 / 4, 9 / 16, -27 / 64),
    (1.0, 3 / 2, 9 / 4, 27 / 8),
    (1.0, -3 / 2, 9 / 4, -27 / 8),
    (0.0, 0.0, 0.0, 1.0),
)
_B = (  # transposed: a row for each place
    (81 / 64, 0.0, -45 / 16, 0.0, 1.0, 0.0),
    (0.0, -27 / 16, -9 / 4, 3 / 4, 1.0, 0.0),
    (0.0, 27 / 16, -9 / 4, -3 / 4, 1.0, 0.0),
    (0.0, -27 / 32, -9 / 16, 3 / 2, 1.0, 0.0),
    (0.0, 27 / 32, -9 / 16, -3 / 2, 1.0, 0.0),
    (0.0, 81 / 64, 0.0, -45 / 16, 0.0, 1.0),
)
_G = (
    (64 / 81, 0.0, 0.0),
    (-128 / 243, -32 / 81, -8 / 27),
    (-128 / 243, 32 / 81, -8 / 27),
    (32 / 243, 16 / 81, 8 / 27),
    (32 / 243, -16 / 81, 8 / 27),
    (0.0, 0.0, 1.0),
)


def transformed(weight: Tensor) -> Tensor:
    """Return the weights (O, I, 3, 3) as their 36 matrices (36, O, I)."""
    return (both_sides(_G, weight) @ weight.flatten(2).flatten(0, 1).T).view(36, *weight.shape[:2])


def tiles_of(x: Tensor) -> Tensor:
    """Return Bᵀ d B of each tile d of x (1, C, H, W): (36, C, T).

    A convolution of each channel with 36 kernels that steps by four: it takes the tiles apart too.
    """
    _, channels, height, width = x.shape
    kernels = both_sides(_B, x).view(36, 1, _PLACES, _PLACES)
    alone = x.reshape(channels, 1, height, width)
    return F.conv2d(alone, kernels, stride=SIDE, padding=1).flatten(2).transpose(0, 1)


def from_tiles(tiles: Tensor, height: int, width: int) -> Tensor:
    """Return the sum of B t Bᵀ of all tiles t at their places: `tiles_of` from behind."""
    back = both_sides(_B, tiles).T.expand(tiles.shape[1], -1, -1)
    values = torch.bmm(back, tiles.transpose(0, 1)).flatten(0, 1)
    return F.fold(values[None], (height, width), _PLACES, padding=1, stride=SIDE)


def results_of(products: Tensor, height: int, width: int) -> Tensor:
    """Return Aᵀ m A of each tile m, at its place: (1, O, H, W)."""
    y = (both_sides(_A, products).T @ products.flatten(1)).view(
        SIDE, SIDE, -1, height // SIDE, width // SIDE
    )
    return y.permute(2, 3, 0, 4, 1).reshape(1, -1, height, width)


def tiles_of_results(grad: Tensor) -> Tensor:
    """Return A y Aᵀ of the gradient y of each tile's results: `results_of` from behind."""
    _, channels, height, width = grad.shape
    apart = grad.view(channels, height // SIDE, SIDE, width // SIDE, SIDE).permute(2, 4, 0, 1, 3)
    return (both_sides(_A, grad) @ apart.reshape(SIDE * SIDE, -1)).view(36, channels, -1)
