"""Packed convolutions: the same numbers as torch's own, and only where they pay."""

from collections.abc import Hashable
from typing import Any

import pytest
import torch
from torch import nn

from training.engine.machine.precision import Precision
from training.engine.packed_convolution import (
    FEWEST_HALVED,
    FEWEST_POSITIONS,
    MOST_POSITIONS,
    HalvingConvolution,
    PackedConvolution,
    PointwiseConvolution,
    pack_frozen_convolutions,
    packing_pays,
)

pytestmark = pytest.mark.engine


def frozen(conv: nn.Conv2d) -> nn.Conv2d:
    return conv.requires_grad_(requires_grad=False)


def passes(module: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    x = x.clone().requires_grad_()
    y = module(x)
    (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum().backward()
    assert x.grad is not None
    return y.detach(), x.grad


@pytest.mark.parametrize(("side", "bias"), [(3, True), (3, False), (5, True)])
@pytest.mark.parametrize("shape", [(1, 64, 8, 8), (2, 64, 5, 9), (1, 64, 4, 4), (1, 64, 3, 5)])
def test_values_and_gradients_are_those_of_the_plain_convolution(
    side: int, bias: bool, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(2)
    conv = frozen(nn.Conv2d(64, 96, side, padding=side // 2, bias=bias))
    x = torch.randn(shape)
    for expected, got in zip(passes(conv, x), passes(PackedConvolution(conv), x), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 64, 5, 9), (3, 64, 4, 4)])
def test_convolutions_of_single_pixels_are_products(bias: bool, shape: tuple[int, ...]) -> None:
    torch.manual_seed(2)
    conv = frozen(nn.Conv2d(64, 96, 1, bias=bias))
    x = torch.randn(shape)
    for expected, got in zip(passes(conv, x), passes(PointwiseConvolution(conv), x), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 64, 8, 8), (1, 64, 5, 7), (2, 64, 4, 4), (1, 64, 20, 20)])
def test_halving_gives_the_values_and_gradients_of_the_plain_convolution(
    bias: bool, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(2)
    conv = frozen(nn.Conv2d(64, 96, 3, padding=1, stride=2, bias=bias))
    x = torch.randn(shape)
    for expected, got in zip(passes(conv, x), passes(HalvingConvolution(conv), x), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_pictures_are_halved_by_a_product_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    halving = HalvingConvolution(frozen(nn.Conv2d(64, 64, 3, padding=1, stride=2)))
    side, unfold = 2 * int(FEWEST_HALVED**0.5), nn.functional.unfold
    products: list[int] = []

    def counted(*given: Any, **named: Any) -> torch.Tensor:
        products.append(1)
        return unfold(*given, **named)

    monkeypatch.setattr(nn.functional, "unfold", counted)
    halving(torch.randn(1, 64, side, side))
    assert len(products) == 1
    halving(torch.randn(1, 64, side, side + 1))
    assert len(products) == 1


def test_plain_products_go_back_by_weights_turned_over_where_copies_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(3)
    conv = frozen(nn.Conv2d(64, 96, 3, padding=1))
    monkeypatch.setattr("training.engine.products.LEAST_VALUES", conv.weight.numel())
    x = torch.randn(1, 64, 4, 4)
    kept: dict[Hashable, Any] = {}
    expected = passes(conv, x)
    for turned in (False, True, True):  # the last one finds the copy
        module = nn.Sequential(conv)
        pack_frozen_convolutions(module, kept, turned=turned)
        for plain, got in zip(expected, passes(module, x), strict=True):
            torch.testing.assert_close(got, plain, rtol=1e-4, atol=1e-4)
        assert len(kept) == turned
    monkeypatch.setattr("training.engine.products.LEAST_VALUES", conv.weight.numel() + 1)
    kept.clear()
    passes(module, x)
    assert not kept  # so small a matrix is not read in place


def test_one_packing_serves_pictures_of_every_shape() -> None:
    torch.manual_seed(3)
    conv = frozen(nn.Conv2d(64, 64, 3, padding=1))
    packed = PackedConvolution(conv)
    for shape in ((1, 64, 8, 8), (3, 64, 4, 4), (1, 64, 16, 12), (1, 64, 64, 64)):
        x = torch.randn(shape)
        torch.testing.assert_close(packed(x), conv(x), rtol=1e-4, atol=1e-4)


def test_large_pictures_are_never_packed() -> None:
    packed = PackedConvolution(frozen(nn.Conv2d(64, 64, 3, padding=1)))
    side = int(MOST_POSITIONS**0.5) + 1
    packed(torch.randn(1, 64, side, side))
    assert packed._packed is None
    packed(torch.randn(1, 64, side - 1, side - 1))
    assert packed._packed is not None


def test_a_few_positions_are_multiplied_with_the_weights_as_they_are() -> None:
    packed = PackedConvolution(frozen(nn.Conv2d(64, 64, 3, padding=1)))
    side = int(FEWEST_POSITIONS**0.5)
    packed(torch.randn(1, 64, side, side))
    assert packed._packed is None
    packed(torch.randn(1, 64, side, side + 1))
    assert packed._packed is not None


def test_only_frozen_plain_convolutions_are_replaced() -> None:
    module = nn.Sequential(
        frozen(nn.Conv2d(64, 64, 3, padding=1)),
        nn.Conv2d(64, 64, 3, padding=1),
        frozen(nn.Conv2d(64, 64, 3, padding=1, stride=2)),
        frozen(nn.Conv2d(64, 64, 3, padding=1, stride=3)),
        frozen(nn.Conv2d(64, 64, 3, padding=1, groups=2)),
        frozen(nn.Conv2d(4, 64, 3, padding=1)),
        frozen(nn.Conv2d(64, 64, 1)),
    )
    names = set(module.state_dict())
    assert pack_frozen_convolutions(module) == 3
    assert [type(child) for child in module] == [
        PackedConvolution, nn.Conv2d, HalvingConvolution, nn.Conv2d, nn.Conv2d, nn.Conv2d,
        PointwiseConvolution,
    ]  # fmt: skip
    assert set(module.state_dict()) == names


@pytest.mark.parametrize(
    ("device", "compute", "steps", "pays"),
    [
        ("cpu", "fp32", 6, True),
        ("cpu", "fp32", 5, False),
        ("cpu", "bf16", 600, False),
        ("cuda", "fp32", 600, False),
    ],
)
def test_packing_is_for_runs_on_a_cpu_that_last(
    device: str, compute: str, steps: int, pays: bool
) -> None:
    precision = Precision(
        device=device, compute=compute, use_scaler=False, threads=1, checkpointing=False
    )  # type: ignore[arg-type]
    assert packing_pays(precision, steps) is pays
