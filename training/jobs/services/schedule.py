"""Which job runs next: fair over teams, then people, then priority, then age.

`claim_next` is the only way into RUNNING. It locks one row with SKIP LOCKED, so that workers never
wait for each other and never take the same job.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, Invalid, NotAllowed
from training.jobs.models.job import LEASED, Job, State
from training.jobs.models.worker_node import WorkerNode
from training.jobs.permissions import can_order_queue, require_control
from training.jobs.services.broadcast import tell_queue
from training.jobs.services.events import record_state
from training.jobs.services.transitions import claim

HIGHEST_PRIORITY = 100


def claim_next(*, worker: WorkerNode) -> Job | None:
    """The next job that fits this worker, now RUNNING under a lease; None when there is none."""
    with transaction.atomic():
        job = _line_for(worker).select_for_update(skip_locked=True, of=("self",)).first()
        if job is None or not claim(job, worker, lease_seconds=settings.JOB_LEASE_SECONDS):
            return None
        job = record_state(job.pk, detail={"worker": worker.name})
        tell_queue(job)
    return job


def set_priority(*, actor: User, job: Job, priority: int) -> Job:
    """Give a waiting job another priority within its owner's jobs; higher goes first."""
    require_control(actor, job)
    if priority > job.priority and not can_order_queue(actor, job.team):
        raise NotAllowed(_("Only managers of the team can move a run forward."))
    wanted = max(-HIGHEST_PRIORITY, min(HIGHEST_PRIORITY, priority))
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, state=State.QUEUED).update(priority=wanted)
        if not changed:
            raise Conflict(_("This run is not waiting any more."))
        job.refresh_from_db()
        audit.record(actor=actor, action="job.priority", target=job, detail={"to": wanted})
        tell_queue(job)
    return job


def move_in_line(*, actor: User, job: Job, before: Job | None) -> Job:
    """Put a waiting run before another of its owner's, or (None) behind all of them.

    Between people the fair share decides, so a run only moves among the runs of its owner in the
    same team. Their priorities are counted anew from the highest there, never above it: nobody
    gains on others. Raises Invalid for a run of somebody else's, Conflict once one has started.
    """
    require_control(actor, job)
    if before is not None and (before.owner_id, before.team_id) != (job.owner_id, job.team_id):
        raise Invalid(_("A run moves among the runs of its owner; fair share decides the rest."))
    with transaction.atomic():
        line = list(
            Job.objects.waiting()
            .filter(owner_id=job.owner_id, team_id=job.team_id)
            .select_for_update(of=("self",))
            .order_by("-priority", "queued_at", "id")
        )
        _rank(_moved(line, job, before))
        job.refresh_from_db()
        detail = {"before": before.number if before else None}
        audit.record(actor=actor, action="job.move", target=job, detail=detail)
        tell_queue(job)
    return job


def register_worker(
    *, name: str, device: str, device_name: str, memory_bytes: int, engine_version: str
) -> WorkerNode:
    """The row of this worker, made or brought up to date; its sign of life is now."""
    worker, _made = WorkerNode.objects.update_or_create(
        name=name,
        defaults={
            "device": device,
            "device_name": device_name[:200],
            "memory_bytes": memory_bytes,
            "engine_version": engine_version,
            "started_at": Now(),
            "seen_at": Now(),
        },
    )
    return worker


def note_alive(worker: WorkerNode) -> None:
    """A sign of life."""
    WorkerNode.objects.filter(pk=worker.pk).update(seen_at=Now())


def has_work_for(worker: WorkerNode) -> bool:
    """Whether a job waits that this worker could take."""
    return _fitting(worker).exists()


def _moved(line: list[Job], job: Job, before: Job | None) -> list[Job]:
    """The line with the run at its new place."""
    rest = [other for other in line if other.pk != job.pk]
    if len(rest) == len(line):
        raise Conflict(_("This run is not waiting any more."))
    ids = [other.pk for other in rest]
    if before is not None and before.pk not in ids and before.pk != job.pk:
        raise Conflict(_("The other run has started, so there is nothing to go before."))
    mine = next(other for other in line if other.pk == job.pk)
    if before is not None and before.pk == job.pk:
        return line
    at = ids.index(before.pk) if before is not None else len(rest)
    return [*rest[:at], mine, *rest[at:]]


def _rank(line: list[Job]) -> None:
    """Write priorities that make this order: one less where age alone would say otherwise."""
    priority = max(job.priority for job in line)
    for place, job in enumerate(line):
        earlier = line[place - 1] if place else None
        if earlier is not None and (earlier.queued_at, earlier.pk) > (job.queued_at, job.pk):
            priority -= 1
        if job.priority != priority:
            job.priority = max(-HIGHEST_PRIORITY, priority)
            job.save(update_fields=["priority"])


def _fitting(worker: WorkerNode) -> QuerySet[Job]:
    return Job.objects.waiting().filter(
        Q(device_wish="") | Q(device_wish=worker.device),
        min_memory_bytes__lte=worker.memory_bytes,
    )


def _line_for(worker: WorkerNode) -> QuerySet[Job]:
    return (
        _fitting(worker)
        .annotate(
            team_running=_running("team"),
            team_claimed=_last_claim("team"),
            owner_running=_running("owner"),
            owner_claimed=_last_claim("owner"),
        )
        .order_by(
            "team_running",
            F("team_claimed").asc(nulls_first=True),
            "owner_running",
            F("owner_claimed").asc(nulls_first=True),
            "-priority",
            "queued_at",
            "id",
        )
    )


def _running(column: str) -> Coalesce:
    """Number of running jobs of the same team or owner."""
    counted = (
        Job.objects.filter(**{column: OuterRef(column)}, state__in=LEASED)
        .order_by()
        .values(column)
        .annotate(count=Count("pk"))
        .values("count")
    )
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _last_claim(column: str) -> Subquery:
    """When a job of the same team or owner was last claimed."""
    claimed = Job.objects.filter(**{column: OuterRef(column)}, claimed_at__isnull=False)
    return Subquery(claimed.order_by("-claimed_at").values("claimed_at")[:1])
