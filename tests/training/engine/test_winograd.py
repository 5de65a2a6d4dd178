"""Convolutions by tiles: the values and gradients of the plain sum, to the last digits."""

import pytest
import torch
from torch import nn

from training.engine.packed_convolution import (
    FEWEST_TILES,
    LEAST_CHANNELS_OF_TILES,
    PackedConvolution,
)
from training.engine.winograd import WinogradProduct, transformed

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 5, 8, 8), (3, 5, 6, 10), (1, 5, 2, 2)])
def test_values_and_gradients_are_those_of_the_plain_sum(
    shape: tuple[int, ...], bias: bool
) -> None:
    torch.manual_seed(4)
    weight = torch.randn(7, 5, 3, 3, dtype=torch.float64)
    shift = torch.randn(7, dtype=torch.float64) if bias else None
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    expected = nn.functional.conv2d(x, weight, shift, padding=1)
    got = WinogradProduct.apply(x, transformed(weight), shift)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    towards = torch.randn_like(expected)
    [gradient] = torch.autograd.grad(expected, x, towards)
    [own] = torch.autograd.grad(got, x, towards)
    torch.testing.assert_close(own, gradient, rtol=1e-12, atol=1e-12)


def _convolution(channels: int, side: int = 3) -> PackedConvolution:
    conv = nn.Conv2d(channels, channels, side, padding=side // 2)
    return PackedConvolution(conv.requires_grad_(requires_grad=False))


@pytest.mark.parametrize(
    ("channels", "side", "height", "width", "by_tiles"),
    [
        (LEAST_CHANNELS_OF_TILES, 3, 2, 2 * FEWEST_TILES, True),
        (LEAST_CHANNELS_OF_TILES, 3, 2, 2 * FEWEST_TILES - 2, False),
        (LEAST_CHANNELS_OF_TILES - 1, 3, 2, 2 * FEWEST_TILES, False),
        (LEAST_CHANNELS_OF_TILES, 1, 2, 2 * FEWEST_TILES, False),
        (LEAST_CHANNELS_OF_TILES, 3, 3, 2 * FEWEST_TILES, False),
        (LEAST_CHANNELS_OF_TILES, 3, 4, 2 * FEWEST_TILES + 1, False),
    ],
)
def test_tiles_are_for_many_channels_and_places_of_even_sides(
    channels: int, side: int, height: int, width: int, by_tiles: bool
) -> None:
    packed = _convolution(channels, side)
    x = torch.randn(1, channels, height, width)
    expected = nn.functional.conv2d(x, packed.weight, packed.bias, padding=side // 2)
    torch.testing.assert_close(packed(x), expected, rtol=1e-4, atol=1e-4)
    assert (packed._transformed is not None) is by_tiles


def test_copies_and_later_runs_share_the_transformed_weights() -> None:
    packed = _convolution(LEAST_CHANNELS_OF_TILES)
    x = torch.randn(1, LEAST_CHANNELS_OF_TILES, 16, 16)
    packed(x)
    assert any(kept is packed._transformed for kept in packed.kept)
    conv = nn.Conv2d(1, 1, 3, padding=1)
    conv.weight, conv.bias = packed.weight, packed.bias
    later = PackedConvolution(conv, packed._kept)
    later._has_channels_enough = True
    later(x)
    assert later._transformed is packed._transformed
