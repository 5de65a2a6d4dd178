"""The arithmetic of fused adapters on both sides of each of its choices."""

from typing import Any

import pytest
import torch
from torch import nn

from training.engine.adapters.fused import FusedAdapter
from training.engine.joining import side_by_side
from training.engine.products import MOST_ROWS, PIECE, WIDER, product_of_rows

pytestmark = pytest.mark.engine


def _gradients(y: torch.Tensor, *of: torch.Tensor) -> tuple[torch.Tensor, ...]:
    towards = torch.linspace(-1, 1, y.numel()).view_as(y)
    return torch.autograd.grad(y, of, towards)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("tokens", [4, 64])  # applied apart, folded into the weight
@pytest.mark.parametrize("kind", ["linear", "pointwise"])
def test_both_ways_give_the_values_and_gradients_of_the_sum(
    kind: str, tokens: int, bias: bool
) -> None:
    torch.manual_seed(5)
    linear = kind == "linear"
    base = nn.Linear(24, 40, bias=bias) if linear else nn.Conv2d(24, 40, 1, bias=bias)
    adapter = FusedAdapter(base.requires_grad_(requires_grad=False), rank=3, alpha=6.0)
    nn.init.normal_(adapter.down)
    nn.init.normal_(adapter.up)
    shape = (2, tokens // 2, 24) if linear else (2, 24, tokens // 2, 1)
    x = torch.randn(shape, requires_grad=True)
    weight = base.weight + 2.0 * (adapter.up.flatten(1) @ adapter.down.flatten(1)).view_as(
        base.weight
    )
    sums = nn.functional.linear if linear else nn.functional.conv2d
    expected = sums(x, weight, base.bias)
    got = adapter(x)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    of = (x, adapter.down, adapter.up)
    for own, plain in zip(_gradients(got, *of), _gradients(expected, *of), strict=True):
        torch.testing.assert_close(own, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("tokens", [4, 64])  # applied apart, folded into the weight
@pytest.mark.parametrize("moves", [True, False])
def test_layers_on_the_same_input_give_together_what_each_gives_alone(
    tokens: int, moves: bool
) -> None:
    torch.manual_seed(7)
    layers = []
    for rank, bias in ((3, True), (2, False), (3, True)):
        base = nn.Linear(24, 40, bias=bias).requires_grad_(requires_grad=False)
        layers.append(FusedAdapter(base, rank, alpha=6.0))
        nn.init.normal_(layers[-1].down)
        nn.init.normal_(layers[-1].up)
    x = torch.randn(2, tokens // 2, 24, requires_grad=moves)
    of = [*([x] if moves else []), *(m for one in layers for m in (one.down, one.up))]
    alone = torch.cat([layer(x) for layer in layers], -1)
    together = torch.cat(side_by_side(x, *layers), -1)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    for own, plain in zip(_gradients(together, *of), _gradients(alone, *of), strict=True):
        torch.testing.assert_close(own, plain, rtol=1e-4, atol=1e-4)


def test_layers_are_joined_where_all_can_be_and_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[int] = []

    def told(layers: Any, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        joined.append(len(layers))
        return tuple(layer(x) for layer in layers)

    monkeypatch.setattr(FusedAdapter, "joined", staticmethod(told))
    plain = nn.Linear(4, 4).requires_grad_(requires_grad=False)
    pointwise = FusedAdapter(nn.Conv2d(4, 4, 1), 2, 1.0)
    own = FusedAdapter(plain, 2, 1.0)
    x = torch.randn(2, 4)
    side_by_side(x, own, own)
    assert joined == [2]
    side_by_side(x, own, plain)
    side_by_side(x, plain, own)
    assert joined == [2]
    assert own.joins(x)
    assert not own.joins(x.to("meta"))
    assert not pointwise.joins(x)


@pytest.mark.parametrize(
    ("rows", "outputs", "pieces"),
    [
        (MOST_ROWS, WIDER * 300, 2),
        (MOST_ROWS + 1, WIDER * 300, 0),
        (MOST_ROWS, WIDER * 300 - 1, 0),
    ],
)
def test_wide_results_of_few_rows_are_made_piece_by_piece(
    rows: int, outputs: int, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PIECE < WIDER * 300 < 2 * PIECE
    torch.manual_seed(6)
    a, b = torch.randn(rows, 300), torch.randn(300, outputs)
    made: list[int] = []

    def counted(*given: Any, **named: Any) -> torch.Tensor:
        made.append("out" in named)
        return mm(*given, **named)

    mm = torch.mm
    monkeypatch.setattr(torch, "mm", counted)
    got = product_of_rows(a, b)
    assert sum(made) == pieces
    torch.testing.assert_close(got, a @ b)
