"""How long a sitting of training lasts, and how the learning rate falls at its end."""

import math
import time
from dataclasses import dataclass, field
from typing import Protocol

FLOOR = 0.02


class Pace(Protocol):
    """Tells the training loop when to anneal and when to stop."""

    def position(self, step: int) -> tuple[float, float]:
        """Return (done, anneal), each 0..1: the share of the sitting and of the final anneal."""


@dataclass(frozen=True)
class StepPace:
    """A sitting of a fixed number of steps, the last `anneal` of them at a falling rate."""

    steps: int
    anneal: int = 0
    first: int = 0

    def position(self, step: int) -> tuple[float, float]:
        """Return (done, anneal) at this step."""
        taken = step - self.first
        begin = self.steps - self.anneal
        return taken / self.steps, max(0.0, (taken - begin) / max(1, self.anneal))


@dataclass(frozen=True)
class ClockPace:
    """A sitting of a fixed time, for a machine whose speed changes with its other work."""

    seconds: float
    anneal_seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def position(self, step: int) -> tuple[float, float]:
        """Return (done, anneal) now."""
        elapsed = time.monotonic() - self.started
        begin = self.seconds - self.anneal_seconds
        return elapsed / self.seconds, max(0.0, (elapsed - begin) / max(1.0, self.anneal_seconds))


def rate_factor(step: int, anneal: float, warmup: int = 100) -> float:
    """Return the share of the full learning rate: warm-up, plateau, cosine to 2 % at the end."""
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, anneal))) * (1 - FLOOR) + FLOOR
    return min(1.0, (step + 1) / warmup) * fall
