"""Products that read a large matrix once: the same values, and only where it pays."""

import pytest
import torch

from training.engine import products
from training.engine.products import (
    FULL,
    LEAST_VALUES,
    LEAST_VALUES_OF_A_LAYER,
    LONGER,
    MOST_COLUMNS,
    is_read_in_place,
    layer_product,
    product,
    scaled,
)

pytestmark = pytest.mark.engine
_ROWS = 2**9
_INNER = LEAST_VALUES // _ROWS


@pytest.mark.parametrize(
    ("rows", "inner", "columns", "in_place"),
    [
        (_ROWS, _INNER, MOST_COLUMNS, True),
        (_ROWS, _INNER, MOST_COLUMNS + 1, False),
        (_ROWS, _INNER - 1, MOST_COLUMNS, False),
        (_ROWS, _INNER, 1, True),
    ],
)
def test_large_matrices_of_few_columns_are_read_in_place(
    rows: int, inner: int, columns: int, in_place: bool
) -> None:
    torch.manual_seed(10)
    matrix, others = torch.randn(rows, inner), torch.randn(inner, columns)
    assert is_read_in_place(matrix, others) is in_place
    torch.testing.assert_close(product(matrix, others), matrix @ others, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("other", ["turned", "columns apart", "float64", "meta", "autocast"])
def test_what_lies_otherwise_is_multiplied_as_usual(other: str) -> None:
    matrix, columns = torch.empty(_ROWS, _INNER), torch.empty(_INNER, 2)
    assert is_read_in_place(matrix, columns)
    assert is_read_in_place(matrix, torch.empty(2, _INNER).T)
    if other == "turned":
        matrix = torch.empty(_INNER, _ROWS).T
    elif other == "columns apart":
        columns = torch.empty(_INNER, 4)[:, ::2]
    elif other == "float64":
        matrix, columns = matrix.double(), columns.double()
    elif other == "meta":
        matrix = matrix.to("meta")
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=other == "autocast"):
        assert not is_read_in_place(matrix, columns)


_SHORT = 2**8
_LONG = LEAST_VALUES_OF_A_LAYER // _SHORT
_MANY = MOST_COLUMNS + FULL


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("rows", "outputs", "inputs", "given"),
    [
        (FULL, _ROWS, _INNER, "weight"),
        (MOST_COLUMNS, _ROWS, _INNER, "weight"),
        (FULL + 1, _ROWS, _INNER, "rows"),
        (FULL, _ROWS, _INNER - 1, "rows"),
        (FULL, _LONG, _SHORT, "rows"),
        (FULL, _LONG - 1, _SHORT, ""),
        (_MANY, _LONG, _SHORT, "rows"),
        (_MANY, _SHORT, _LONG, "rows"),
        (_MANY, _LONG - 1, _SHORT, ""),
        (_MANY, 600 * LONGER, 600, "rows"),
        (_MANY, 600 * LONGER - 1, 600, ""),
    ],
)
def test_layers_are_made_by_onednn_from_the_side_that_suits(
    rows: int, outputs: int, inputs: int, given: str, bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[torch.Tensor] = []
    plain = products._by_onednn

    def told(x: torch.Tensor, *others: torch.Tensor | None) -> torch.Tensor:
        made.append(x)
        return plain(x, *others)

    monkeypatch.setattr(products, "_by_onednn", told)
    torch.manual_seed(12)
    x, weight = torch.randn(rows, inputs), torch.randn(outputs, inputs)
    shift = torch.randn(outputs) if bias else None
    got = layer_product(x, weight, shift)
    assert ["weight" if one is weight else "rows" for one in made] == [given] * bool(given)
    expected = torch.nn.functional.linear(x, weight, shift)
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer_product(x, weight, shift)
    layer_product(x.double(), weight.double())
    layer_product(x, weight.T.contiguous().T)
    assert len(made) == bool(given)


def test_values_times_one_are_as_they_are() -> None:
    values = torch.ones(3)
    assert scaled(values, 1.0) is values
    assert scaled(values, 0.5).tolist() == [0.5, 0.5, 0.5]
