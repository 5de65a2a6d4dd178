"""AdamW that remembers each gradient in two bytes instead of eight (https://arxiv.org/abs/2110.02861).

Both moments are kept as one byte a value, in blocks with a scale of their own, on a table whose
steps are finer near zero. In plain torch, so that it runs, and resumes to the same bytes, wherever
torch does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

BLOCK = 256  # values that share a scale
SMALLEST = 4096  # below it a tensor is kept whole: there is nothing to gain
SMALLEST_EXPONENT = -6  # the table reaches down to about 10 to this power
CODES = ("first", "second")


def code_table(*, signed: bool) -> Tensor:
    """Return the values that a byte stands for, sorted: from -1, or from 0, to 1.

    Each power of ten has twice as many steps as the one below it, as in the paper's dynamic tree.
    """
    halves: list[float] = []
    exponents = range(SMALLEST_EXPONENT, 1)
    for place, exponent in enumerate(exponents):
        count = 2**place if signed else 2 ** (place + 1)
        bounds = torch.linspace(0.1, 1.0, count + 1, dtype=torch.float64)
        halves += (((bounds[:-1] + bounds[1:]) / 2) * 10.0**exponent).tolist()
    values = [0.0, *halves, 1.0, *([-value for value in halves] if signed else [])]
    return torch.tensor(sorted(values), dtype=torch.float64).float()


class _Codec:
    """Turns values into bytes with a scale for each block, and back."""

    def __init__(self, *, signed: bool) -> None:
        self._signed = signed
        self._table = code_table(signed=signed)
        self._bounds = (self._table[:-1] + self._table[1:]) / 2

    def packed(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return bytes (blocks, BLOCK) and scales (blocks, 1) of a tensor of any shape."""
        blocks = torch.nn.functional.pad(values.flatten(), (0, -values.numel() % BLOCK))
        blocks = blocks.view(-1, BLOCK)
        scales = blocks.abs().amax(dim=1, keepdim=True)
        shares = blocks / scales.clamp(min=torch.finfo(torch.float32).tiny)
        codes = torch.bucketize(shares, self._bounds.to(shares.device))
        if not self._signed:  # a spread that became 0 would make the next step endless
            codes = torch.maximum(codes, (shares > 0).to(codes.dtype))
        return codes.to(torch.uint8), scales

    def unpacked(self, codes: Tensor, scales: Tensor, like: Tensor) -> Tensor:
        """Return float32 values in the shape of another tensor."""
        values = self._table.to(codes.device)[codes.int()] * scales
        return values.flatten()[: like.numel()].view(like.shape)


class AdamW8bit(torch.optim.Optimizer):
    """AdamW with moments of one byte a value; small tensors keep them in float32."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "eps": eps}
        super().__init__(params, defaults)
        self._codecs = {"first": _Codec(signed=True), "second": _Codec(signed=False)}

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; `closure` is evaluated first where given."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)
        return loss

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        state["taken"] = int(state.get("taken", 0)) + 1
        gradient = parameter.grad.float()  # type: ignore[union-attr]
        beta1, beta2 = group["betas"]
        first = self._moment(state, "first", gradient).lerp_(gradient, 1 - beta1)
        second = self._moment(state, "second", gradient).mul_(beta2)
        second.addcmul_(gradient, gradient, value=1 - beta2)
        spread = (second / (1 - beta2 ** state["taken"])).sqrt_().add_(group["eps"])
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        rate = group["lr"] / (1 - beta1 ** state["taken"])
        parameter.addcdiv_(first.to(parameter.dtype), spread.to(parameter.dtype), value=-rate)
        self._keep(state, "first", first)
        self._keep(state, "second", second)

    def _moment(self, state: dict[str, Any], name: str, like: Tensor) -> Tensor:
        if name in state:
            whole: Tensor = state[name]
            return whole
        if f"{name}_codes" not in state:
            return torch.zeros_like(like)
        return self._codecs[name].unpacked(state[f"{name}_codes"], state[f"{name}_scales"], like)

    def _keep(self, state: dict[str, Any], name: str, value: Tensor) -> None:
        if value.numel() < SMALLEST:
            state[name] = value
        else:
            codes, scales = self._codecs[name].packed(value)
            state[f"{name}_codes"], state[f"{name}_scales"] = codes, scales

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a saved state; torch casts it to the parameters' format, so bytes go back."""
        super().load_state_dict(state_dict)
        for state in self.state.values():
            for name in CODES:
                if f"{name}_codes" in state:
                    state[f"{name}_codes"] = state[f"{name}_codes"].to(torch.uint8)
