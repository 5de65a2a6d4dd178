"""Writing what a job tells: numbered under the job's lock, each engine event exactly once.

The engine numbers its events in a run folder. `Job.run_folder` and `Job.engine_sequence` say which
folder was read and how far, so that events that come again after a crash are left out. Losses that
come faster than about two a second are joined into one event (their mean) before they get here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from training.engine.events import (
    Checkpointed,
    Event,
    Previewed,
    Stage,
    Started,
    Stepped,
    Validated,
    Warned,
)
from training.jobs.models.event import EventKind, JobEvent
from training.jobs.models.job import LEASED, Job
from training.jobs.services.broadcast import tell_job
from training.jobs.services.transitions import LeaseLost

PROGRESS = (Stepped, Previewed, Checkpointed)


@dataclass(frozen=True)
class NewEvent:
    """One message to be numbered."""

    kind: EventKind
    data: dict[str, Any]
    at: datetime = field(default_factory=timezone.now)


def append_events(job: Job, events: Iterable[NewEvent]) -> list[JobEvent]:
    """Number and write events of a job whose row the caller has locked; tells them after commit.

    Keeps `job.last_sequence` in step. Needs the caller's transaction.
    """
    rows = [
        JobEvent(
            job=job, sequence=job.last_sequence + offset, kind=new.kind, at=new.at, data=new.data
        )
        for offset, new in enumerate(events, start=1)
    ]
    if rows:
        JobEvent.objects.bulk_create(rows)
        job.last_sequence = rows[-1].sequence
        Job.objects.filter(pk=job.pk).update(last_sequence=job.last_sequence)
        tell_job(job, rows)
    return rows


def record_state(job_id: UUID, *, detail: dict[str, Any] | None = None) -> Job:
    """Tell the state that a job has just taken, in the transaction that moved it."""
    job = lock_job(job_id)
    data = {"state": job.state, "attempt": job.attempt, **(detail or {})}
    append_events(job, [NewEvent(EventKind.STATE, data)])
    return job


def record_events(
    job_id: UUID, attempt: int, events: Sequence[Event], *, run_folder: UUID
) -> list[JobEvent]:
    """Take engine events of an attempt: write those that are new and keep the job's figures.

    Files (Checkpointed, Previewed) are not written here but by services/artifacts.py, which stores
    the bytes first; they count as taken. Raises LeaseLost for an attempt that lost the job.
    """
    with transaction.atomic():
        job = lock_attempt(job_id, attempt)
        fresh = fresh_events(job, events, run_folder=run_folder)
        if not fresh:
            return []
        rows = append_events(job, (new for new in map(_new_event, fresh) if new is not None))
        note_progress(job, fresh, run_folder=run_folder)
    return rows


def record_warning(job_id: UUID, attempt: int, *, code: str, message: str) -> None:
    """Tell what the worker found amiss before the trainer began. Raises LeaseLost."""
    with transaction.atomic():
        job = lock_attempt(job_id, attempt)
        append_events(job, [NewEvent(EventKind.WARNED, {"code": code, "message": message})])


def lock_job(job_id: UUID) -> Job:
    """The job's row, locked until the transaction ends."""
    return Job.objects.select_for_update(of=("self",)).get(pk=job_id)


def lock_attempt(job_id: UUID, attempt: int) -> Job:
    """The job's row, locked, as long as this attempt holds it. Raises LeaseLost."""
    job = (
        Job.objects.select_for_update(of=("self",))
        .filter(pk=job_id, attempt=attempt, state__in=LEASED)
        .first()
    )
    if job is None:
        raise LeaseLost
    return job


def fresh_events(job: Job, events: Sequence[Event], *, run_folder: UUID) -> list[Event]:
    """Those events that were not taken from this run folder before."""
    taken = job.engine_sequence if job.run_folder == run_folder else 0
    return [event for event in events if event.sequence > taken]


def note_progress(job: Job, events: Sequence[Event], *, run_folder: UUID) -> None:
    """Keep the job's columns in step with events that were just taken."""
    columns: dict[str, Any] = {
        "run_folder": run_folder,
        "engine_sequence": events[-1].sequence,
    }
    for event in events:
        columns |= _columns_of(event)
    if any(isinstance(event, PROGRESS) for event in events):
        columns["fruitless_attempts"] = 0
    Job.objects.filter(pk=job.pk).update(**columns)


def replay(job: Job, after: int, *, limit: int | None = None) -> list[JobEvent]:
    """Events numbered above `after`, in order."""
    found = JobEvent.objects.filter(job=job, sequence__gt=after).order_by("sequence")
    return list(found[:limit] if limit else found)


def instant(event: Event) -> datetime:
    """When the engine made an event."""
    return datetime.fromtimestamp(event.at, tz=UTC) if event.at else timezone.now()


def _new_event(event: Event) -> NewEvent | None:
    data = {
        key: value
        for key, value in event.to_dict().items()
        if key not in ("event", "sequence", "at")
    }
    kinds = {
        Started: EventKind.STARTED,
        Stage: EventKind.STAGE,
        Stepped: EventKind.STEPPED,
        Validated: EventKind.VALIDATED,
        Warned: EventKind.WARNED,
    }
    kind = kinds.get(type(event))
    return NewEvent(kind, data, instant(event)) if kind is not None else None


def _columns_of(event: Event) -> dict[str, Any]:
    if isinstance(event, Started):
        return {
            # A resumed run begins at its last state and does not tell again what it told already.
            "step": Greatest(F("step"), Value(event.step)),
            "total_steps": event.total_steps,
            "total_epochs": event.epochs,
            "engine_version": event.engine_version,
            "stage": "training",
            "stage_detail": "",
        }
    if isinstance(event, Stage):
        return {"stage": event.stage, "stage_detail": event.detail}
    if isinstance(event, Stepped):
        return {
            "step": event.step,
            "total_steps": event.total_steps,
            "epoch": event.epoch,
            "loss": event.loss,
            "learning_rate": next(iter(event.learning_rates.values()), None),
            "memory_bytes": event.memory,
            "steps_per_second": event.steps_per_second,
            "eta_seconds": event.eta_seconds,
            "stage": "training",
            "stage_detail": "",
        }
    return {}
