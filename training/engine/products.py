"""Products of matrices on a CPU, each in the form that is quickest for its sizes.

torch multiplies by a library that copies both factors into a layout of its own before, which takes
a quarter of a step of SD 1.5. oneDNN copies only the factor that it calls weights, more quickly,
and reads the other one where it is (figures: one thread, AVX2):

- a large matrix with few columns: with so few, most of the matrix's values are read for nothing
  else than that copy. So the columns are given as weights, and the weights of a layer as input: 70
  instead of 36 GFLOP/s for 1,280 x 11,520 with 16 columns, 71 instead of 60 with 64;
- a layer with few rows, or with many more outputs than inputs or the other way round: the rows are
  its input, where they are few and fill the columns of its kernel the weights (for 64 rows of 1,280
  to 10,240, at an hour when the peak was 57: 54 instead of 29 GFLOP/s; for 77 of 768 to 3,072, 51
  instead of 33; for 256 of 640 to 5,120, 63 instead of 55).

oneDNN has to find each row of its input in one piece, which a transposed matrix has not: no way was
found to read the same weights as quickly in the other direction.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MOST_COLUMNS = 128
"""From 256 on torch's own library is somewhat quicker: 76 and 72 GFLOP/s."""
LEAST_VALUES = 2**20
"""Values of a matrix from which it pays; 640 x 640 with 64 columns take as long either way."""
FULL = 8
"""A multiple of it in columns leaves nothing of oneDNN's kernels empty, which 77 columns do."""
LONGER = 2
"""Outputs for each input, or inputs for each output, from which many rows are for oneDNN too."""
LEAST_VALUES_OF_A_LAYER = 2**18
"""The same for values of its weight: small ones are made before they are handed over."""
MOST_ROWS = 128
"""Rows up to which a wide product is made piece by piece."""
WIDER = 2
"""Outputs for each input from which a product is wide."""
PIECE = 512


def product(matrix: Tensor, columns: Tensor) -> Tensor:
    """Return matrix (m, k) · columns (k, n): (m, n). No gradients: for use inside of functions."""
    if is_read_in_place(matrix, columns):
        return _by_onednn(matrix, columns.T, None)
    return matrix @ columns


def is_read_in_place(matrix: Tensor, columns: Tensor) -> bool:
    """Tell whether a product is one of those that oneDNN makes without a copy of the matrix."""
    return (
        matrix.is_contiguous()
        and (columns.is_contiguous() or columns.T.is_contiguous())
        and matrix.numel() >= LEAST_VALUES
        and columns.shape[1] <= MOST_COLUMNS
        and _is_for_onednn(matrix, columns)
    )


def layer_product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return rows (n, in) · weightᵀ + bias for the weight (out, in) of a layer: (n, out).

    No gradients, as above.
    """
    few = len(rows) <= MOST_COLUMNS
    if few and len(rows) % FULL == 0 and is_read_in_place(weight, rows.T):
        y = product(weight, rows.T).T.contiguous()
        return y if bias is None else y.add_(bias)
    short, long = sorted(weight.shape)
    if (
        (few or long >= LONGER * short)
        and weight.numel() >= LEAST_VALUES_OF_A_LAYER
        and weight.is_contiguous()
        and rows.is_contiguous()
        and _is_for_onednn(rows, weight)
    ):
        return _by_onednn(rows, weight, bias)
    return F.linear(rows, weight, bias)


def _is_for_onednn(a: Tensor, b: Tensor) -> bool:
    return (
        a.device.type == "cpu"
        and a.dtype == b.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and not torch.is_autocast_enabled("cpu")
    )


def _by_onednn(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    y: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return y


def product_of_rows(rows: Tensor, matrix: Tensor) -> Tensor:
    """Return rows · matrix, a wide result of few rows piece by piece.

    On a CPU torch's library does those in two thirds of the time: 59 instead of 42 GFLOP/s for 64
    rows of 1,280 to 10,240, 54 instead of 42 for 77 of 768 to 3,072 (one thread, AVX2).
    """
    inputs, outputs = matrix.shape
    if (
        len(rows) > MOST_ROWS
        or outputs < WIDER * inputs
        or rows.device.type != "cpu"
        or rows.dtype != torch.float32
        or torch.is_autocast_enabled("cpu")
    ):
        return rows @ matrix
    y = rows.new_empty(len(rows), outputs)
    for start in range(0, outputs, PIECE):
        there = slice(start, start + PIECE)
        torch.mm(rows, matrix[:, there], out=y[:, there])
    return y


def scaled(values: Tensor, scale: float) -> Tensor:
    """Return values times a number, as they are where that is 1."""
    return values if scale == 1.0 else values * scale
