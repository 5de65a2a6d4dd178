"""Losses, speed and memory of a run, read from the device in batches and told as events."""

from __future__ import annotations

import math
import resource
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import torch

from training.engine.events import Event, Stepped
from training.engine.runs.state import Position
from training.engine.runs.stepping import StepOutcome, non_finite

FLUSH_SECONDS = 0.5
SPEED_WINDOW = 24


class Progress:
    """Collects the outcome of steps; `flush` reads them with one copy from the device."""

    def __init__(
        self,
        position: Position,
        *,
        total_steps: int,
        steps_per_epoch: int,
        device: str,
        emit: Callable[[Event], None],
    ) -> None:
        self.position = position
        self._total_steps = total_steps
        self._steps_per_epoch = steps_per_epoch
        self._device = device
        self._emit = emit
        self._pending: list[StepOutcome] = []
        self._times: deque[float] = deque([time.monotonic()], maxlen=SPEED_WINDOW)
        self._last_flush = time.monotonic()

    @property
    def mean_loss(self) -> float:
        """Return the mean loss of the epoch at hand."""
        return self.position.loss_sum / max(1, self.position.loss_count)

    def add(self, outcome: StepOutcome) -> None:
        """Take in a step; on a CPU it is told at once, on a GPU about twice a second."""
        self._pending.append(outcome)
        self.position.step = outcome.step + 1
        self._times.append(time.monotonic())
        if self._device == "cpu" or time.monotonic() - self._last_flush > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Tell all steps so far. Raises NonFiniteLossError where one had no finite loss."""
        if not self._pending:
            return
        values = torch.stack([torch.stack([o.loss, o.norm]) for o in self._pending]).tolist()
        memory = memory_bytes(self._device)
        speed = self._speed()
        for outcome, (loss, norm) in zip(self._pending, values, strict=True):
            if not outcome.is_sound(loss, norm):
                raise non_finite(outcome.ids, outcome.losses)
            self._count(outcome.step, loss)
            self._emit(self._event(outcome, loss, norm, speed, memory))
        self._pending.clear()
        self._last_flush = time.monotonic()

    def rest(self) -> None:
        """Forget the time since the last step, after work that was no step."""
        self._times.clear()
        self._times.append(time.monotonic())

    def _count(self, step: int, loss: float) -> None:
        if step % self._steps_per_epoch == 0:
            self.position.loss_sum, self.position.loss_count = 0.0, 0
        self.position.loss_sum += loss
        self.position.loss_count += 1

    def _speed(self) -> float:
        span = self._times[-1] - self._times[0]
        return (len(self._times) - 1) / span if span > 0 else 0.0

    def _event(
        self, outcome: StepOutcome, loss: float, norm: float, speed: float, memory: int
    ) -> Stepped:
        step = outcome.step + 1
        left = self._total_steps - step
        return Stepped(
            step=step,
            total_steps=self._total_steps,
            epoch=outcome.step // self._steps_per_epoch + 1,
            loss=loss,
            learning_rates=outcome.rates,
            steps_per_second=round(speed, 4),
            eta_seconds=round(left / speed, 1) if speed else 0.0,
            memory=memory,
            gradient_norm=norm if math.isfinite(norm) else -1.0,
        )


def memory_bytes(device: str) -> int:
    """Return the memory in use: of the card on CUDA, else what the process has resident."""
    if device == "cuda":
        return int(torch.cuda.max_memory_reserved())
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
