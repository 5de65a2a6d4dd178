"""Adapters that change a whole weight: DoRA, LoHa and LoKr, with the tensors of LyCORIS's files.

Each gives the change of a frozen weight from a few small tensors, named as the file names them.
LoHa: https://arxiv.org/abs/2108.06098, LoKr: https://arxiv.org/abs/2309.14859, DoRA:
https://arxiv.org/abs/2402.09353, with the norm held constant in the backward pass (its section
4.3). Shapes and values are those of the package lycoris-lora (tests hold numbers of 4.1.3).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.engine.adapters.dropping import Dropping


class WeightAdapter(nn.Module):
    """Stands where a linear or convolution layer stood and computes with its changed weight."""

    def __init__(self, base: Any, rank: int, alpha: float, dropping: Dropping) -> None:
        super().__init__()
        self.base = base
        self.rank = rank
        self.alpha = alpha
        self.dropping = dropping
        self.tensors = nn.ParameterDict()  # keys without dots: torch allows none

    @property
    def scale(self) -> float:
        """Return what the change is multiplied by."""
        return self.alpha / self.rank

    @abstractmethod
    def change(self) -> Tensor:
        """Return what is added to the weight, of its shape, in float32."""

    def by_file_key(self) -> dict[str, nn.Parameter]:
        """Return the trained tensors under the names they have in a file."""
        return {name.replace("__", "."): tensor for name, tensor in self.tensors.items()}

    def changed_weight(self) -> Tensor:
        """Return the weight that the layer acts with, in float32."""
        change = self.change()
        if self.training and self.dropping.ranks:  # rows of the change, as LyCORIS drops them
            kept = torch.rand(len(change), device=change.device) > self.dropping.ranks
            change = change * kept.to(change.dtype).view(-1, *(1,) * (change.ndim - 1))
        weight: Tensor = self.base.weight.float() + change
        return weight

    def forward(self, x: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
        """Return the output of the layer with its changed weight."""
        base = self.base
        if self.training and self.dropping.skips_module():
            plain: Tensor = base(x)
            return plain
        with torch.autocast(x.device.type, enabled=False):
            weight = self.changed_weight()
        if base.weight.dtype == torch.float32:
            return self._with(x, weight, base.bias)
        # In half precision a small change would be lost in the sum of the weights.
        rest: Tensor = base(x)
        return rest + self._with(x, weight - base.weight.float(), None)

    def _with(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        base = self.base
        if weight.dim() == 2:
            return F.linear(x, weight, bias)
        return F.conv2d(x, weight, bias, base.stride, base.padding, base.dilation, base.groups)

    @torch.no_grad()
    def keep_norm_below(self, limit: float) -> None:
        """Make the change smaller where its norm is above the limit."""
        norm = torch.linalg.vector_norm(self.change())
        self._last_factor().mul_((limit / norm.clamp(min=1e-12)).clamp(max=1.0))

    @abstractmethod
    def _last_factor(self) -> nn.Parameter:
        """Return the tensor that begins as zero; the change is proportional to it."""

    def _add(self, **shapes: tuple[int, ...]) -> None:
        device = self.base.weight.device
        for name, shape in shapes.items():
            self.tensors[name] = nn.Parameter(torch.zeros(shape, device=device))


class DoraAdapter(WeightAdapter):
    """m · (W + s·B·A) / ‖W + s·B·A‖, with one magnitude m for each input, or for each output."""

    def __init__(
        self, base: Any, rank: int, alpha: float, dropping: Dropping, *, of_outputs: bool = False
    ) -> None:
        super().__init__(base, rank, alpha, dropping)
        self._axis = 0 if of_outputs else 1
        out, *rest = base.weight.shape
        ones = (1,) * (len(rest) - 1)
        self._add(lora_down__weight=(rank, *rest), lora_up__weight=(out, rank, *ones))
        nn.init.kaiming_uniform_(self.tensors["lora_down__weight"], a=math.sqrt(5))
        self.tensors["dora_scale"] = nn.Parameter(norms(base.weight.detach().float(), self._axis))

    def change(self) -> Tensor:
        """Return s·B·A."""
        up, down = self.tensors["lora_up__weight"], self.tensors["lora_down__weight"]
        return (up.flatten(1) @ down.flatten(1)).view_as(self.base.weight) * self.scale

    def changed_weight(self) -> Tensor:
        """Return the weight with its directions changed and its magnitudes as trained."""
        direction = super().changed_weight()
        return direction * (self.tensors["dora_scale"] / norms(direction.detach(), self._axis))

    def _last_factor(self) -> nn.Parameter:
        return self.tensors["lora_up__weight"]


def norms(weight: Tensor, axis: int) -> Tensor:
    """Return the norms of a weight (out, in, …) for each place of an axis, with its dimensions."""
    found = weight.transpose(0, axis).flatten(1).norm(dim=1).clamp(min=1e-12)
    shape = [1] * weight.ndim
    shape[axis] = -1
    return found.view(shape)


class LohaAdapter(WeightAdapter):
    """s · (A1·B1) ∘ (A2·B2): two low-rank products, multiplied place by place."""

    def __init__(self, base: Any, rank: int, alpha: float, dropping: Dropping) -> None:
        super().__init__(base, rank, alpha, dropping)
        out, inside = base.weight.flatten(1).shape
        self._add(hada_w1_a=(out, rank), hada_w1_b=(rank, inside))
        self._add(hada_w2_a=(out, rank), hada_w2_b=(rank, inside))
        for name, spread in (("hada_w1_b", 1.0), ("hada_w1_a", 0.1), ("hada_w2_b", 1.0)):
            nn.init.normal_(self.tensors[name], std=spread)

    def change(self) -> Tensor:
        """Return the product of both products."""
        t = self.tensors
        both = (t["hada_w1_a"] @ t["hada_w1_b"]) * (t["hada_w2_a"] @ t["hada_w2_b"])
        return both.view_as(self.base.weight) * self.scale

    def _last_factor(self) -> nn.Parameter:
        return self.tensors["hada_w2_a"]


class LokrAdapter(WeightAdapter):
    """s · C ⊗ (A·B): the Kronecker product of a small matrix and a larger one of low rank."""

    def __init__(
        self, base: Any, rank: int, alpha: float, dropping: Dropping, factor: int = -1
    ) -> None:
        super().__init__(base, rank, alpha, dropping)
        out, inside, *kernel = base.weight.shape
        (rows, more_rows), (columns, more_columns) = split(out, factor), split(inside, factor)
        self._add(lokr_w1=(rows, columns))
        nn.init.kaiming_uniform_(self.tensors["lokr_w1"], a=math.sqrt(5))
        self._second = (more_rows, more_columns, *kernel)
        self.is_whole = rank >= max(more_rows, more_columns) / 2
        if self.is_whole:
            self._add(lokr_w2=self._second)
            self.alpha = float(rank)  # readers apply no scale without a rank
        else:
            self._add(lokr_w2_a=(more_rows, rank), lokr_w2_b=(rank, math.prod(self._second[1:])))
            nn.init.kaiming_uniform_(self.tensors["lokr_w2_a"], a=math.sqrt(5))

    def change(self) -> Tensor:
        """Return the Kronecker product."""
        t = self.tensors
        second = t["lokr_w2"] if self.is_whole else t["lokr_w2_a"] @ t["lokr_w2_b"]
        first = t["lokr_w1"].view(*t["lokr_w1"].shape, *(1,) * (len(self._second) - 2))
        return torch.kron(first, second.view(self._second)) * self.scale

    def _last_factor(self) -> nn.Parameter:
        return self.tensors["lokr_w2" if self.is_whole else "lokr_w2_b"]


def split(size: int, factor: int = -1) -> tuple[int, int]:
    """Return (small, large) with small · large = size, as LyCORIS splits the sides of a weight.

    A factor that divides the size is one of the two; otherwise the small one is the largest
    divisor that is neither above the factor nor above the root.
    """
    if factor > 0 and size % factor == 0:
        return min(factor, size // factor), max(factor, size // factor)
    most = math.isqrt(size) if factor < 0 else min(factor, math.isqrt(size))
    small = next(number for number in range(max(1, most), 0, -1) if size % number == 0)
    return small, size // small
