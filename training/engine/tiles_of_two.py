"""Tiles of 4 x 4 values that give 2 x 2 results: Winograd's F(2 x 2, 3 x 3), see winograd.py.

The sums are short: values are nearer to exact ones than those of oneDNN's plain convolution (2e-6
against 1e-5 for 320 channels).
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

Matrix = tuple[tuple[float, ...], ...]
SIDE = 2
_G = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))
_A = ((1.0, 0.0), (1.0, 1.0), (1.0, -1.0), (0.0, -1.0))


def both_sides(matrix: Matrix, like: Tensor) -> Tensor:
    """Return what turns rows and columns of tiles at once: the matrix by itself (Kronecker)."""
    return _both_sides(matrix, like.dtype, like.device)


@cache
def _both_sides(matrix: Matrix, dtype: torch.dtype, device: torch.device) -> Tensor:
    sides = torch.tensor(matrix, dtype=torch.float64)  # thirds are not exact
    return torch.kron(sides, sides).to(device, dtype)


def transformed(weight: Tensor) -> Tensor:
    """Return the weights (O, I, 3, 3) as their 16 matrices (16, O, I)."""
    return (both_sides(_G, weight) @ weight.flatten(2).flatten(0, 1).T).view(16, *weight.shape[:2])


def tiles_of(x: Tensor) -> Tensor:
    """Return Bᵀ d B of each tile d."""
    _, channels, height, width = x.shape
    columns = x.new_empty(4, channels, height, width // 2)
    _differences(x[0, ..., 0::2], x[0, ..., 1::2], columns, -1)
    tiles = x.new_empty(4, 4, channels, height // 2, width // 2)
    rows = columns.unflatten(2, (-1, 2))
    _differences(rows[..., 0, :], rows[..., 1, :], tiles, -2)
    return tiles.view(16, channels, -1)


def _differences(even: Tensor, odd: Tensor, out: Tensor, axis: int) -> None:
    """Write the four sums along one axis of tiles whose first value is the odd one before.

    With p the odd values before and n the even ones after, 0 at the edges:
    p - odd, even + odd, odd - even, even - n.
    """
    first, last = even.shape[axis] - 1, 1
    torch.neg(odd.narrow(axis, 0, 1), out=out[0].narrow(axis, 0, 1))
    before, after = odd.narrow(axis, 0, first), odd.narrow(axis, last, first)
    torch.sub(before, after, out=out[0].narrow(axis, 1, first))
    torch.add(even, odd, out=out[1])
    torch.sub(odd, even, out=out[2])
    before, after = even.narrow(axis, 0, first), even.narrow(axis, last, first)
    torch.sub(before, after, out=out[3].narrow(axis, 0, first))
    out[3].narrow(axis, first, 1).copy_(even.narrow(axis, first, 1))


def from_tiles(tiles: Tensor, height: int, width: int) -> Tensor:
    """Return the sum of B t Bᵀ of all tiles t at their places: `tiles_of` from behind."""
    channels = tiles.shape[1]
    by_place = tiles.view(4, 4, channels, height // 2, width // 2)
    columns = tiles.new_empty(4, channels, height // 2, 2, width // 2)
    _sums(by_place, columns[..., 0, :], columns[..., 1, :], -2)
    x = tiles.new_empty(1, channels, height, width)
    _sums(columns.view(4, channels, height, width // 2), x[0, ..., 0::2], x[0, ..., 1::2], -1)
    return x


def _sums(parts: Tensor, even: Tensor, odd: Tensor, axis: int) -> None:
    """Write what `_differences` read, as gradients."""
    most = even.shape[axis] - 1
    torch.sub(parts[1], parts[2], out=even).add_(parts[3])
    even.narrow(axis, 1, most).sub_(parts[3].narrow(axis, 0, most))
    torch.add(parts[1], parts[2], out=odd).sub_(parts[0])
    odd.narrow(axis, 0, most).add_(parts[0].narrow(axis, 1, most))


def results_of(products: Tensor, height: int, width: int) -> Tensor:
    """Return Aᵀ m A of each tile m, at its place: (1, O, H, W)."""
    y = (both_sides(_A, products).T @ products.flatten(1)).view(2, 2, -1, height // 2, width // 2)
    return y.permute(2, 3, 0, 4, 1).reshape(1, -1, height, width)


def tiles_of_results(grad: Tensor) -> Tensor:
    """Return A y Aᵀ of the gradient y of each tile's results: `results_of` from behind."""
    _, channels, height, width = grad.shape
    apart = grad.view(channels, height // 2, 2, width // 2, 2).permute(2, 4, 0, 1, 3)
    return (both_sides(_A, grad) @ apart.reshape(4, -1)).view(16, channels, -1)
