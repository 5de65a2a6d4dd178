"""Optimizers by name, and the learning rate of each group at each step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from training.engine.config import TrainConfig
from training.engine.schedule import RateSchedule, parse_rate_list

ANSWER_TO_THE_MARK = "__dynamo_disable"  # see torch/_compile.py
SECOND_TEXT = "text_encoder_2"  # a group of its own only where it has a rate of its own


@dataclass(frozen=True)
class ParamGroup:
    """Parameters that share a learning rate; `name` is unet, text_encoder, embedding, …"""

    name: str
    parameters: list[torch.nn.Parameter]
    stop_fraction: float = 1.0
    weight_decay: float | None = None


class Lion(torch.optim.Optimizer):
    """Evolved sign momentum (https://arxiv.org/abs/2302.06675); use a third of AdamW's rate."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; `closure` is evaluated first where given."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            with_grad = [p for p in group["params"] if p.grad is not None]
            for parameter in with_grad:
                self._update(parameter, group)
        return loss

    def _update(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        gradient, momentum = parameter.grad, state["momentum"]
        beta1, beta2 = group["betas"]
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        direction = momentum.mul(beta1).add_(gradient, alpha=1 - beta1).sign_()
        parameter.add_(direction, alpha=-group["lr"])
        momentum.mul_(beta2).add_(gradient, alpha=1 - beta2)


class AdamW(torch.optim.AdamW):
    """Torch's own, without the mark around its step (see `without_the_compiler`)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


class SGD(torch.optim.SGD):
    """The same."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


def _adamw(groups: list[dict[str, Any]], config: TrainConfig, rate: float) -> torch.optim.Optimizer:
    return AdamW(groups, lr=rate, betas=(config.beta1, config.beta2), fused=True)


def _adamw8bit(
    groups: list[dict[str, Any]], config: TrainConfig, rate: float
) -> torch.optim.Optimizer:
    from training.engine.adamw_8bit import AdamW8bit

    return AdamW8bit(groups, lr=rate, betas=(config.beta1, config.beta2))


def _adafactor(
    groups: list[dict[str, Any]], config: TrainConfig, rate: float
) -> torch.optim.Optimizer:
    from transformers.optimization import Adafactor

    return Adafactor(groups, lr=rate, scale_parameter=False, relative_step=False, warmup_init=False)


def _prodigy(
    groups: list[dict[str, Any]], config: TrainConfig, rate: float
) -> torch.optim.Optimizer:
    from training.engine.prodigy import Prodigy

    return Prodigy(groups, lr=rate, betas=(config.beta1, config.beta2))


OPTIMIZERS: dict[
    str, Callable[[list[dict[str, Any]], TrainConfig, float], torch.optim.Optimizer]
] = {
    "adamw": _adamw,
    "adamw8bit": _adamw8bit,
    "adafactor": _adafactor,
    "lion": lambda groups, config, rate: Lion(groups, rate, (config.beta1, config.beta2)),
    "prodigy": _prodigy,
    "sgd": lambda groups, config, rate: SGD(
        groups, lr=rate, momentum=config.beta1, nesterov=config.beta1 > 0
    ),
}


def without_the_compiler() -> None:
    """Keep torch's optimizers from loading torch's compiler when they are first made.

    Some of their methods are marked as not to be compiled, and the mark, once met, imports the
    compiler: 2 CPU seconds before the first step. No optimizer is ever compiled here, so the mark
    is answered as the compiler would: by the plain method. Of a torch without such marks nothing
    is changed.
    """
    for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
        plain = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
        if plain is not None and not hasattr(plain, ANSWER_TO_THE_MARK):
            setattr(plain, ANSWER_TO_THE_MARK, plain)


class Optimizing:
    """An optimizer whose rates are set from the step alone, so that a resumed run has them too."""

    def __init__(self, config: TrainConfig, groups: list[ParamGroup], total_steps: int) -> None:
        self.groups = groups
        self.total_steps = total_steps
        self.max_grad_norm = config.max_grad_norm
        self._rates = parse_rate_list(str(config.learning_rate))
        self._text_rates = {
            "text_encoder": config.text_encoder_learning_rate,
            SECOND_TEXT: config.text_encoder_2_learning_rate,
        }
        self._schedule = RateSchedule(
            name=config.scheduler,
            total_steps=total_steps,
            warmup_steps=config.warmup_steps,
            cycles=config.scheduler_cycles,
            power=config.scheduler_power,
            floor=config.min_learning_rate_ratio,
        )
        described = [
            {
                "params": group.parameters,
                "weight_decay": config.weight_decay
                if group.weight_decay is None
                else group.weight_decay,
            }
            for group in groups
        ]
        without_the_compiler()
        self.optimizer = OPTIMIZERS[config.optimizer](described, config, self._rates.rate(0))
        self.parameters = [p for group in groups for p in group.parameters]

    def learning_rates(self, step: int) -> dict[str, float]:
        """Return the learning rate of each group for a step counted from 0."""
        factor = self._schedule.factor(step)
        return {group.name: self._group_rate(group, step) * factor for group in self.groups}

    def stands_still(self, group: ParamGroup, step: int) -> bool:
        """Tell whether a group's end has come before this step."""
        return step >= group.stop_fraction * self.total_steps

    def settle(self, step: int) -> None:
        """Take groups whose end has come out of the step: no gradients, no part in their norm."""
        for group in self.groups:
            for parameter in group.parameters if group.stop_fraction < 1 else ():
                parameter.requires_grad_(not self.stands_still(group, step))

    def _group_rate(self, group: ParamGroup, step: int) -> float:
        if self.stands_still(group, step):
            return 0.0
        own = self._text_rates.get(group.name)
        if own is not None:
            return own
        return self._rates.rate(step)

    def clip(self) -> torch.Tensor:
        """Limit the gradients' norm and return the norm before, a scalar on the device."""
        limit = self.max_grad_norm or float("inf")
        return torch.nn.utils.clip_grad_norm_(self.parameters, limit)

    def step(
        self, step: int, scaler: torch.amp.GradScaler, norm: torch.Tensor | None = None
    ) -> dict[str, float]:
        """Take the step with the rates that belong to it, clear the gradients, return the rates.

        Where the norm of the gradients is given and is not finite, a fused optimizer leaves the
        weights as they are, without anybody having to wait for the device.
        """
        rates = self.learning_rates(step)
        for described, group in zip(self.optimizer.param_groups, self.groups, strict=True):
            described["lr"] = rates[group.name]
            if rates[group.name] == 0.0:  # standing still: no momentum may move it either
                for parameter in group.parameters:
                    parameter.grad = None
        if norm is not None and not scaler.is_enabled():
            self._step_if_finite(norm)
        else:
            scaler.step(self.optimizer)
            scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return rates

    def _step_if_finite(self, norm: torch.Tensor) -> None:
        optimizer: Any = self.optimizer
        if not getattr(optimizer, "_step_supports_amp_scaling", False):
            optimizer.step()
            return
        optimizer.grad_scale, optimizer.found_inf = None, (~torch.isfinite(norm)).float()
        try:
            optimizer.step()
        finally:
            del optimizer.grad_scale, optimizer.found_inf
