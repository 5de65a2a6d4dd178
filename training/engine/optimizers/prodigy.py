"""Prodigy: AdamW that finds its own step size (https://arxiv.org/abs/2306.06101)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch


class Prodigy(torch.optim.Optimizer):
    """AdamW whose rate is multiplied by an estimate of the distance to the solution.

    Use a learning rate of 1. All groups share one estimate; it is kept in the first group.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        first_estimate: float = 1e-6,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": 0.0,
            "d": first_estimate,
            "d0": first_estimate,
            "d_numerator": 0.0,
            "k": 0,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; `closure` is evaluated first where given."""
        loss = closure() if closure is not None else None
        first = self.param_groups[0]
        moving = [
            (group, p) for group in self.param_groups for p in group["params"] if p.grad is not None
        ]
        if not moving:
            return loss
        before = first["d"]
        self._estimate(first, moving)
        for group, parameter in moving:
            self._update(parameter, group, before, first["d"])
        first["k"] += 1
        return loss

    def _estimate(
        self, first: dict[str, Any], moving: list[tuple[dict[str, Any], torch.Tensor]]
    ) -> None:
        """Raise the estimate d where the gradients say that the start is still far away."""
        d, d0 = first["d"], first["d0"]
        beta1, beta2 = first["betas"]
        beta3 = math.sqrt(beta2)
        numerator, denominator = 0.0, 0.0
        for group, parameter in moving:
            state = self._state(parameter)
            gradient: Any = parameter.grad
            rate = d * group["lr"]
            state["m"].mul_(beta1).add_(gradient, alpha=d * (1 - beta1))
            state["v"].mul_(beta2).addcmul_(gradient, gradient, value=d * d * (1 - beta2))
            along = torch.dot(gradient.flatten(), (state["start"] - parameter).flatten())
            numerator += d / d0 * rate * float(along)
            state["s"].mul_(beta3).add_(gradient, alpha=d / d0 * rate)
            denominator += float(state["s"].abs().sum())
        first["d_numerator"] = first["d_numerator"] * beta3 + numerator
        if denominator > 0:
            first["d"] = max(d, first["d_numerator"] / denominator)

    def _state(self, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
        state = self.state[parameter]
        if not state:
            for name in ("m", "v", "s"):
                state[name] = torch.zeros_like(parameter)
            state["start"] = parameter.detach().clone()
        return state

    def _update(
        self, parameter: torch.Tensor, group: dict[str, Any], before: float, d: float
    ) -> None:
        """Move a parameter by the estimate of the step before, as the authors' own program does."""
        state = self.state[parameter]
        rate = before * group["lr"]
        parameter.mul_(1 - group["weight_decay"] * rate)
        spread = state["v"].sqrt().add_(d * group["eps"])
        parameter.addcdiv_(state["m"], spread, value=-rate)
