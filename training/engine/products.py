"""Products of a large matrix with few columns, by the library that reads the matrix only once.

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
