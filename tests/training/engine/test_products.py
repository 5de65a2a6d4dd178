"""Products that read a large matrix once: the same values, and only where it pays."""

import pytest
import torch

from training.engine import products
from training.engine.products import (
    LEAST_VALUES,
    MOST_COLUMNS,
    MOST_TURNED,
    TURNED_BY,
    is_read_in_place,
    product,
    product_of_rows,
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


@pytest.mark.parametrize(
    ("rows", "inner", "turned", "turns"),
    [
        (MOST_TURNED, _INNER, True, True),
        (MOST_TURNED + TURNED_BY, _INNER, True, False),
        (MOST_TURNED - 1, _INNER, True, False),
        (MOST_TURNED, _INNER - 1, True, False),
        (MOST_TURNED, _INNER, False, False),
    ],
)
@pytest.mark.parametrize("shifts", [True, False])
def test_few_rows_of_a_layers_weights_are_turned_over(
    rows: int, inner: int, turned: bool, turns: bool, shifts: bool
) -> None:
    torch.manual_seed(11)
    given = torch.randn(rows, inner)
    matrix = torch.randn(_ROWS, inner).T if turned else torch.randn(inner, _ROWS)
    bias = torch.randn(_ROWS) if shifts else None
    assert products._turns(given, matrix) is turns
    got = product_of_rows(given, matrix, bias)
    expected = given @ matrix + (0 if bias is None else bias)
    assert got.is_contiguous()
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("other", ["turned", "columns apart", "float64", "meta", "autocast"])
def test_what_lies_otherwise_is_multiplied_as_usual(other: str) -> None:
    matrix, columns = torch.empty(_ROWS, _INNER), torch.empty(_INNER, 2)
    assert is_read_in_place(matrix, columns)
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
