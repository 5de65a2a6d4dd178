"""The only place that changes the state of a job: conditional UPDATEs that must hit one row.

The table of transitions is in training/jobs/models/job.py. The clock is the database's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from hub.core.errors import Conflict
from training.jobs.models.job import FINAL, LEASED, TRANSITIONS, Job, State
from training.jobs.models.worker_node import WorkerNode


class LeaseLost(Exception):
    """The worker does not hold the job any more: it must stop and write nothing."""


def lease_end(seconds: float) -> Combinable:
    """An instant that many seconds from now, by the database's clock."""
    return Now() + Value(timedelta(seconds=seconds))


def move(
    job_id: UUID,
    source: State,
    target: State,
    *,
    held_attempt: int | None = None,
    **columns: Any,
) -> bool:
    """Take a job from `source` to `target`; False when it was not there any more.

    With `held_attempt` the change is fenced: a worker that lost the job cannot make it. Needs the
    caller's transaction when events go with it. Raises ValueError for a transition off the table.
    """
    if (source, target) not in TRANSITIONS:
        raise ValueError(f"A job never goes from {source} to {target}.")
    found = Job.objects.filter(pk=job_id, state=source)
    if held_attempt is not None:
        found = found.filter(attempt=held_attempt)
    return found.update(**{"state": target, **_columns_for(target), **columns}) == 1


def claim(job: Job, worker: WorkerNode, *, lease_seconds: float) -> bool:
    """QUEUED → RUNNING for a job that the caller has locked."""
    return move(
        job.pk,
        State.QUEUED,
        State.RUNNING,
        worker=worker,
        attempt=F("attempt") + 1,
        fruitless_attempts=F("fruitless_attempts") + 1,
        lease_until=lease_end(lease_seconds),
        claimed_at=Now(),
        started_at=job.started_at or Now(),
    )


def renew(job_id: UUID, attempt: int, *, lease_seconds: float) -> None:
    """Hold the lease for longer. Raises LeaseLost when it is not this attempt's any more."""
    held = Job.objects.filter(pk=job_id, attempt=attempt, state__in=LEASED)
    if held.update(lease_until=lease_end(lease_seconds)) != 1:
        raise LeaseLost


def must(changed: bool, message: str) -> None:  # noqa: FBT001  it reads as a sentence where it is called
    """Raise Conflict with `message` unless the transition was made."""
    if not changed:
        raise Conflict(message)


def _columns_for(target: State) -> dict[str, Any]:
    """What belongs to a state, whoever leads a job there."""
    if target in FINAL:
        return {
            "lease_until": None,
            "finished_at": Now(),
            "requested_command": "",
            "eta_seconds": None,
            "stage": "",
            "stage_detail": "",
        }
    if target == State.QUEUED:
        return {"lease_until": None, "worker": None, "stage": "", "eta_seconds": None}
    if target == State.PAUSED:
        return {"lease_until": None, "requested_command": "", "stage": "", "eta_seconds": None}
    return {}
