"""Learning rates over a run, as pure functions of the step. Torch-free."""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.engine.errors import ConfigError


@dataclass(frozen=True)
class RateSchedule:
    """The shape of the learning rate; `factor(step)` multiplies the configured rate."""

    name: str
    total_steps: int
    warmup_steps: int = 0
    cycles: int = 1
    power: float = 1.0
    floor: float = 0.0

    def factor(self, step: int) -> float:
        """Return the multiplier for a step counted from 0."""
        if step < self.warmup_steps:
            return (step + 1) / (self.warmup_steps + 1)
        span = max(1, self.total_steps - self.warmup_steps)
        progress = min(1.0, (step - self.warmup_steps) / span)
        return self.floor + (1 - self.floor) * self._shape(progress)

    def _shape(self, progress: float) -> float:
        if self.name == "linear":
            return 1 - progress
        if self.name == "polynomial":
            return (1 - progress) ** self.power
        if self.name == "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        if self.name == "cosine_with_restarts":
            position = 1.0 if progress >= 1 else (progress * self.cycles) % 1.0
            return 0.5 * (1 + math.cos(math.pi * position))
        return 1.0


@dataclass(frozen=True)
class RateList:
    """A1111's step list: rates, each with the step up to which it holds (None: to the end)."""

    parts: tuple[tuple[float, int | None], ...]

    def rate(self, step: int) -> float:
        """Return the learning rate for a step counted from 0; after the last part, its rate."""
        for rate, until in self.parts:
            if until is None or step < until:
                return rate
        return self.parts[-1][0]


def parse_rate_list(text: str) -> RateList:
    """Read `0.005:100, 1e-3:1000, 1e-5`; raises ConfigError where it is not one.

    https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Textual-Inversion
    """
    parts: list[tuple[float, int | None]] = []
    for item in (item for item in text.split(",") if item.strip()):
        rate_text, _, until_text = item.strip().partition(":")
        try:
            rate = float(rate_text)
            until = int(until_text) if until_text.strip() not in ("", "-1") else None
        except ValueError as error:
            raise ConfigError(
                f"The learning rate {text!r} cannot be read at {item.strip()!r}. "
                "Write a number, or parts such as 0.005:100, 1e-3:1000."
            ) from error
        last = parts[-1][1] if parts else 0
        if not 0 < rate <= 100 or (until is not None and until <= (last or 0)) or last is None:
            raise ConfigError(
                f"The learning rate {text!r} does not fit at {item.strip()!r}: rates are above 0, "
                "and the steps go up."
            )
        parts.append((rate, until))
    if not parts:
        raise ConfigError("The learning rate is empty. Write a number, such as 1e-4.")
    return RateList(tuple(parts))
