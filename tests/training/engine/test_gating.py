"""Gated halves on a CPU: the values and gradients of the product that they are."""

import pytest
import torch
from torch import nn

from training.engine.parts.transformer import GEGLU

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_and_gradients_are_those_of_the_product(dtype: torch.dtype) -> None:
    torch.manual_seed(12)
    layer = GEGLU(6, 8).to(dtype)
    x = torch.randn(2, 5, 6, dtype=dtype, requires_grad=True)
    value, gate = layer.proj(x).chunk(2, dim=-1)
    expected, got = value * nn.functional.gelu(gate), layer(x)
    torch.testing.assert_close(got, expected)
    of = (x, *layer.parameters())
    towards = torch.randn_like(expected)
    gradients = torch.autograd.grad(expected, of, towards)
    for own, plain in zip(torch.autograd.grad(got, of, towards), gradients, strict=True):
        torch.testing.assert_close(own, plain)
