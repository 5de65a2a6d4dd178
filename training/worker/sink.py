"""From the trainer's events to rows: joined where they come too fast, in order, once each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from training.engine.events import (
    Checkpointed,
    Event,
    Failed,
    Finished,
    Previewed,
    Started,
    Stepped,
    Suspended,
)
from training.jobs.models.job import Job
from training.jobs.services.artifacts import record_file
from training.jobs.services.events import record_events

SCALARS_EVERY_SECONDS = 0.5


def at_once(call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Write without patience."""
    return call(*args, **kwargs)


class Sink:
    """Takes events of one attempt; raises LeaseLost when the job is not this attempt's any more.

    `write` calls what writes rows, and may do so again while the database is away.
    """

    def __init__(
        self, job: Job, *, run_dir: Path, series: UUID, write: Callable[..., Any] = at_once
    ) -> None:
        self._job_id = job.pk
        self._attempt = job.attempt
        self._run_dir = run_dir
        self._series = series
        self._write = write
        self._steps: list[Stepped] = []
        self._flushed_at = float("-inf")
        self.finished: Finished | None = None
        self.suspended: Suspended | None = None
        self.failed: Failed | None = None

    def take(self, event: Event, *, now: float) -> None:
        """Write an event, or hold a loss back until one is due. `now` is monotonic, in seconds."""
        if isinstance(event, Stepped):
            self._steps.append(event)
            self.flush_if_due(now=now)
            return
        self.flush(now=now)
        self._remember(event)
        if isinstance(event, Finished):
            # Not written: it is the job's end that is, by lifecycle.finish. Killed in between, the
            # next attempt asks the engine for what came after the last written event, this one.
            return
        if isinstance(event, Checkpointed | Previewed):
            self._write(
                record_file,
                self._job_id,
                self._attempt,
                event,
                run_dir=self._run_dir,
                run_folder=self._series,
            )
            return
        self._record(event)

    def flush_if_due(self, *, now: float) -> None:
        """Write the losses held back when half a second has passed since the last ones."""
        if self._steps and now - self._flushed_at >= SCALARS_EVERY_SECONDS:
            self.flush(now=now)

    def flush(self, *, now: float) -> None:
        """Write the losses held back as one event: their mean, and all else from the last."""
        if not self._steps:
            return
        steps, self._steps = self._steps, []
        mean = sum(step.loss for step in steps) / len(steps)
        joined = replace(steps[-1], loss=mean)
        self._record(joined)
        self._flushed_at = now

    def _record(self, event: Event) -> None:
        self._write(record_events, self._job_id, self._attempt, [event], run_folder=self._series)

    def _remember(self, event: Event) -> None:
        """A run that started again takes back what an earlier sitting said at its end."""
        if isinstance(event, Started):
            self.suspended = self.failed = None
        elif isinstance(event, Finished):
            self.finished = event
        elif isinstance(event, Suspended):
            self.suspended = event
        elif isinstance(event, Failed):
            self.failed = event
