"""Convolutions by tiles: the values and gradients of the plain sum, to the last digits."""

import pytest
import torch
from torch import nn

from training.engine import packed_convolution
from training.engine.packed_convolution import (
    FEWEST_TILES,
    FEWEST_WIDE_TILES,
    LEAST_CHANNELS_OF_TILES,
    MOST_OF_WIDE_TILES,
    PackedConvolution,
    side_of_tiles,
)
from training.engine.winograd import WinogradProduct, transformed

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("side", [2, 4])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 5, 8, 8), (3, 5, 4, 12), (1, 5, 4, 4)])
def test_values_and_gradients_are_those_of_the_plain_sum(
    shape: tuple[int, ...], bias: bool, side: int
) -> None:
    torch.manual_seed(4)
    weight = torch.randn(7, 5, 3, 3, dtype=torch.float64)
    shift = torch.randn(7, dtype=torch.float64) if bias else None
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    expected = nn.functional.conv2d(x, weight, shift, padding=1)
    got = WinogradProduct.apply(x, transformed(weight, side), shift)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    towards = torch.randn_like(expected)
    [gradient] = torch.autograd.grad(expected, x, towards)
    [own] = torch.autograd.grad(got, x, towards)
    torch.testing.assert_close(own, gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("side", "most"), [(2, 4e-6), (4, 2e-5)])
def test_values_in_float32_are_about_as_near_to_exact_ones_as_those_of_onednn(
    side: int, most: float
) -> None:
    torch.manual_seed(8)
    x, weight = torch.randn(1, 320, 8, 8), torch.randn(16, 320, 3, 3) * 0.02  # sums of about 1
    exact = nn.functional.conv2d(x.double(), weight.double(), padding=1)
    tiled = WinogradProduct.apply(x, transformed(weight, side), None)
    assert (tiled - exact).abs().max() < most


def test_large_weights_of_few_tiles_are_read_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(9)
    x, weight = torch.randn(1, 6, 8, 8), torch.randn(7, 6, 3, 3)
    expected = nn.functional.conv2d(x, weight, padding=1)
    monkeypatch.setattr("training.engine.products.LEAST_VALUES", weight[..., 0, 0].numel())
    got = WinogradProduct.apply(x, transformed(weight, 2), None)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def _convolution(channels: int, side: int = 3) -> PackedConvolution:
    conv = nn.Conv2d(channels, channels, side, padding=side // 2)
    return PackedConvolution(conv.requires_grad_(requires_grad=False))


_FEW = LEAST_CHANNELS_OF_TILES
_LARGE = MOST_OF_WIDE_TILES // _FEW


@pytest.mark.parametrize(
    ("weight", "shape", "side"),
    [
        ((_FEW, _FEW, 3, 3), (1, 2, 2 * FEWEST_TILES), 2),
        ((_FEW, _FEW, 3, 3), (9, 2, 2 * FEWEST_TILES), 2),
        ((_FEW, _FEW, 3, 3), (1, 2, 2 * FEWEST_TILES - 2), 0),
        ((_FEW - 1, _FEW, 3, 3), (1, 2, 2 * FEWEST_TILES), 0),
        ((_FEW, _FEW - 1, 3, 3), (1, 2, 2 * FEWEST_TILES), 0),
        ((_FEW, _FEW, 1, 1), (1, 2, 2 * FEWEST_TILES), 0),
        ((_FEW, _FEW, 3, 3), (1, 3, 2 * FEWEST_TILES), 0),
        ((_FEW, _FEW, 3, 3), (1, 4, 2 * FEWEST_TILES + 1), 0),
        ((_FEW, _LARGE, 3, 3), (1, 4, 4 * FEWEST_WIDE_TILES), 4),
        ((_FEW, _LARGE, 3, 3), (1, 4, 4 * FEWEST_WIDE_TILES - 4), 2),
        ((_FEW, _LARGE, 3, 3), (1, 6, 4 * FEWEST_WIDE_TILES), 2),
        ((_FEW, _LARGE, 3, 3), (1, 4, 4 * FEWEST_WIDE_TILES + 2), 2),
        ((_FEW, _LARGE + 1, 3, 3), (1, 4, 4 * FEWEST_WIDE_TILES), 2),
    ],
)
def test_tiles_are_for_many_channels_and_places_of_whole_tiles(
    weight: tuple[int, ...], shape: tuple[int, int, int], side: int
) -> None:
    batch, height, width = shape
    x = torch.empty(batch, weight[1], height, width, device="meta")
    assert side_of_tiles(torch.empty(weight, device="meta"), x) == side


@pytest.mark.parametrize(("size", "side"), [(16, 2), (32, 4)])
def test_copies_and_later_runs_share_the_transformed_weights(
    size: int, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_convolution, "LEAST_CHANNELS_OF_TILES", 4)
    packed = _convolution(4)
    x = torch.randn(1, 4, size, size)
    expected = nn.functional.conv2d(x, packed.weight, packed.bias, padding=1)
    torch.testing.assert_close(packed(x), expected, rtol=1e-4, atol=1e-4)
    assert list(packed._transformed) == [side]
    assert any(kept is packed._transformed for kept in packed.kept)
    conv = nn.Conv2d(1, 1, 3, padding=1)
    conv.weight, conv.bias = packed.weight, packed.bias
    later = PackedConvolution(conv, packed._kept)
    later(x)
    assert later._transformed[side] is packed._transformed[side]
