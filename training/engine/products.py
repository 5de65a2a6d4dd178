"""Products of matrices on a CPU, each in the form that is quickest for its sizes.

A large matrix with few columns: by the library that reads the matrix only once.
torch multiplies by a library that copies both factors into a layout of its own before. With few
columns that copy takes longer than the multiplication, and most of the matrix's rows are read for
nothing else. oneDNN copies the factor that it calls weights, and reads the other one where it is:
so the columns are given as its weights, and the weights of a layer as its input. 70 instead of 36
GFLOP/s for 1,280 x 11,520 with 16 columns, 71 instead of 60 with 64 (one thread, AVX2).

It has to find each row of the matrix in one piece, which a transposed one has not: no way was found
to read the same weights as quickly in the other direction.
"""

from __future__ import annotations

import torch
from torch import Tensor

MOST_COLUMNS = 128
"""From 256 on torch's own library is somewhat quicker: 76 and 72 GFLOP/s."""
LEAST_VALUES = 2**20
"""Values of a matrix from which it pays; 640 x 640 with 64 columns take as long either way."""
MOST_ROWS = 128
"""Rows up to which a wide product is made piece by piece."""
WIDER = 2
"""Outputs for each input from which a product is wide."""
PIECE = 512


def product(matrix: Tensor, columns: Tensor) -> Tensor:
    """Return matrix (m, k) · columns (k, n): (m, n). No gradients: for use inside of functions."""
    if is_read_in_place(matrix, columns):
        result: Tensor = torch.ops.mkldnn._linear_pointwise(matrix, columns.T, None, "none", [], "")
        return result
    return matrix @ columns


def is_read_in_place(matrix: Tensor, columns: Tensor) -> bool:
    """Tell whether a product is one of those that oneDNN makes without a copy of the matrix."""
    return (
        matrix.device.type == "cpu"
        and matrix.dtype == columns.dtype == torch.float32
        and matrix.is_contiguous()
        and columns.is_contiguous()
        and matrix.numel() >= LEAST_VALUES
        and columns.shape[1] <= MOST_COLUMNS
        and torch.backends.mkldnn.is_available()
        and not torch.is_autocast_enabled("cpu")
    )


def product_of_rows(rows: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return rows · matrix + bias, a wide result of few rows piece by piece.

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
        return rows @ matrix if bias is None else torch.addmm(bias, rows, matrix)
    y = rows.new_empty(len(rows), outputs)
    for start in range(0, outputs, PIECE):
        there = slice(start, start + PIECE)
        if bias is None:
            torch.mm(rows, matrix[:, there], out=y[:, there])
        else:
            torch.addmm(bias[there], rows, matrix[:, there], out=y[:, there])
    return y


def scaled_product(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Return scale·a·b in one operation: nothing is read from the first argument."""
    unused = a[:1, :1].expand(a.shape[0], b.shape[1])
    return torch.addmm(unused, a, b, beta=0, alpha=scale)
