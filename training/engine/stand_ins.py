"""Modules that stand where a layer of a base stood, and the layer that is behind them.

An adapter keeps the layer that it adapts inside; a packed convolution keeps its weights.
"""

from __future__ import annotations

from typing import Any, Final

from torch import nn

from training.engine.packed_convolution import (
    HalvingConvolution,
    PackedConvolution,
    PointwiseConvolution,
)

LAYERS: Final = (
    *(nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm),
    *(PackedConvolution, HalvingConvolution, PointwiseConvolution),
)
#: What modules call that which they stand for: ours, peft's, and those that change an input.
INSIDE: Final = ("base", "base_layer", "layer", "inner", "projection")


def layer_behind(module: nn.Module) -> Any:
    """Return the layer with the weights of the base, which may be the module; None without one."""
    found: nn.Module | None = module
    while found is not None and not isinstance(found, LAYERS):
        held = (getattr(found, name, None) for name in INSIDE)
        found = next((inner for inner in held if isinstance(inner, nn.Module)), None)
    return found
