"""Layers that read the same input, and may do so together: queries, keys and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn


class Joinable(nn.Module):
    """A layer that can be computed with others of its kind on the same input."""

    def joins(self, x: Tensor) -> bool:
        """Tell whether that pays for an input."""
        raise NotImplementedError

    @staticmethod
    def joined(layers: Sequence[Joinable], x: Tensor) -> tuple[Tensor, ...]:
        """Return what each of the layers makes of the input."""
        raise NotImplementedError


def side_by_side(x: Tensor, *layers: Any) -> tuple[Tensor, ...]:
    """Return what each layer makes of x, together where all of them are of one kind that can."""
    first = layers[0]
    if all(
        isinstance(layer, Joinable) and type(layer) is type(first) and layer.joins(x)
        for layer in layers
    ):
        made: tuple[Tensor, ...] = first.joined(layers, x)
        return made
    return tuple(layer(x) for layer in layers)
