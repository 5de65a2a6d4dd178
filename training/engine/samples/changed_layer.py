"""A layer that acts as if a file had changed its weights, which stay as they are.

Samples of a run are drawn with weights that its steps use too, perhaps at the same time, and that
may be packed or mapped from a file. So what a file adds is added to the outputs: layers, and norms
too, are linear in weight and bias.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.engine.adapter_change import (
    OF_WEIGHT,
    bias_change,
    scale_of,
    weight_change,
)
from training.engine.stand_ins import layer_behind

OF_WHOLE_WEIGHT = ("dora_scale", *OF_WEIGHT)  # parts of forms whose change depends on the weight
OF_CONVOLUTIONS = ("stride", "padding", "dilation", "groups")
PLAIN = {"lora_down.weight", "lora_up.weight"}  # parts of a product of two matrices


class ChangedLayer(nn.Module):
    """Stands where a layer stood, and adds what the tensors of a file change at a strength."""

    def __init__(self, inner: nn.Module, parts: Mapping[str, Tensor], strength: float) -> None:
        """Take the tensors of one layer of a file.

        Raises UnknownAdapterError, KeyError, RuntimeError or TypeError where they do not fit.
        """
        super().__init__()
        self.inner = inner
        layer = layer_behind(inner)
        self._layer = [layer]  # in a list: it is no part of this module
        for name in OF_CONVOLUTIONS:
            if hasattr(layer, name):
                setattr(self, name, getattr(layer, name))
        self._parts = dict(parts)
        self._strength = strength
        self._bias = bias_change(parts)
        if self._bias is not None:
            self._bias = self._bias.view_as(layer.bias) * strength
        self.change()  # now, rather than in the first pass, it is seen whether they fit
        is_plain = PLAIN <= parts.keys() <= PLAIN | {"alpha", "diff_b"}
        self._product = self._matrices() if is_plain else None

    def forward(self, x: Tensor, *more: Any) -> Tensor:
        """Return the output of what stands inside, and what the change makes of the same input."""
        out: Tensor = self.inner(x, *more)
        layer = self._layer[0]
        if self._product is None:
            return out + _through(layer, x, self.change(), self._bias).to(out.dtype)
        down, up = self._product
        within = _through(layer, x, down, None)
        if isinstance(layer, nn.Linear):
            return out + F.linear(within, up, self._bias).to(out.dtype)
        return out + F.conv2d(within, up, self._bias).to(out.dtype)

    @property
    def weight(self) -> Tensor:
        """Return the weight as the file changes it, for an adapter that makes its own of it."""
        return self._changed_before().float() + self.change()

    @property
    def bias(self) -> Tensor | None:
        """Return the bias as the file changes it."""
        inner: Any = self.inner
        bias: Tensor | None = inner.bias
        return bias if bias is None or self._bias is None else bias + self._bias

    def change(self) -> Tensor:
        """Return what is added to the weight, of its shape, in float32.

        It is formed anew in each pass: kept, it would be as large as the weight.
        """
        depends = not self._parts.keys().isdisjoint(OF_WHOLE_WEIGHT)
        found = self._changed_before() if depends else self._layer[0].weight
        with torch.autocast(found.device.type, enabled=False):
            return weight_change(self._parts, found, self._strength)

    def _changed_before(self) -> Tensor:
        """Return the weight that the file finds: the base's, changed by the files before it."""
        weight: Tensor = self._layer[0].weight.detach()
        return self.inner.weight if isinstance(self.inner, ChangedLayer) else weight

    def _matrices(self) -> tuple[Tensor, Tensor]:
        """Return both matrices in the shapes of the layer, the strength in the second."""
        down, up = (self._parts[name].float() for name in ("lora_down.weight", "lora_up.weight"))
        rank, shape = len(down), self._layer[0].weight.shape
        up = up * (scale_of(self._parts, rank) * self._strength)
        ones = (1,) * (len(shape) - 2)
        return down.reshape(rank, *shape[1:]), up.reshape(shape[0], rank, *ones)


def _through(layer: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return what a layer of this kind makes of x with a weight and a bias."""
    if isinstance(layer, nn.Linear):
        return F.linear(x, weight, bias)
    if isinstance(layer, nn.GroupNorm):
        return F.group_norm(x, layer.num_groups, weight, bias, layer.eps)
    if isinstance(layer, nn.LayerNorm):
        return F.layer_norm(x, layer.normalized_shape, weight, bias, layer.eps)
    return F.conv2d(x, weight, bias, layer.stride, layer.padding)
