"""Products that read a large matrix once: the same values, and only where it pays."""

import pytest
import torch

from training.engine.products import LEAST_VALUES, MOST_COLUMNS, is_read_in_place, product

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


@pytest.mark.parametrize("other", ["turned", "columns turned", "float64", "meta", "autocast"])
def test_what_lies_otherwise_is_multiplied_as_usual(other: str) -> None:
    matrix, columns = torch.empty(_ROWS, _INNER), torch.empty(_INNER, 2)
    assert is_read_in_place(matrix, columns)
    if other == "turned":
        matrix = torch.empty(_INNER, _ROWS).T
    elif other == "columns turned":
        columns = torch.empty(2, _INNER).T
    elif other == "float64":
        matrix, columns = matrix.double(), columns.double()
    elif other == "meta":
        matrix = matrix.to("meta")
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=other == "autocast"):
        assert not is_read_in_place(matrix, columns)
