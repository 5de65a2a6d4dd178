"""Reads of jobs for pages, API and sockets; no list asks once per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Avg, Count, F, Max, Prefetch, QuerySet, Value, Window
from django.db.models.functions import Extract, RowNumber
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.accounts.kept_queries import RowsForViewer
from hub.accounts.models import Team, User
from hub.core.errors import NotFound
from models_registry.models.version import ModelVersion
from training.jobs.fair_order import Forecast, Slot, Usage, Waiting, forecast
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.event import EventKind, JobEvent
from training.jobs.models.job import LEASED, Job, State
from training.jobs.models.publication import JobPublication
from training.jobs.models.worker_node import WorkerNode

SEEN_WITHIN = timedelta(minutes=2)
GIB = 1024**3
ACTIVE_STATES = (State.QUEUED, *LEASED)


@dataclass(frozen=True)
class PlaceInLine:
    """Where a waiting job stands: place from 1, expected start, why it waits in one sentence."""

    place: int
    starts_at: datetime | None
    reason: str


@dataclass(frozen=True)
class QueueBoard:
    """The queue page: running, waiting in order with their places, and what ended lately."""

    running: tuple[Job, ...]
    waiting: tuple[Job, ...]
    places: dict[UUID, PlaceInLine]
    done: tuple[Job, ...]
    failed: tuple[Job, ...]
    workers: tuple[WorkerNode, ...]


@dataclass(frozen=True)
class LossPoint:
    """One point of the loss curve; `at` is when it was told."""

    step: int
    loss: float
    epoch: int
    at: datetime


def job_for(viewer: User | AnonymousUser, key: UUID | int) -> Job:
    """The job with this id or number, as far as the viewer sees it. Raises NotFound."""
    found = Job.objects.visible_to(viewer).select_related(
        "team", "owner", "worker", "snapshot__dataset", "base_version__model", "published_version"
    )
    job = (
        found.filter(pk=key).first() if isinstance(key, UUID) else found.filter(number=key).first()
    )
    if job is None:
        raise NotFound(_("There is no such training run."))
    return job


def jobs_of(
    viewer: User | AnonymousUser, *, team: Team | None = None, states: Sequence[str] = ()
) -> QuerySet[Job]:
    """Runs the viewer sees, newest first, with what a list shows of each."""
    found = Job.objects.visible_to(viewer)
    if team is not None:
        found = found.filter(team=team)
    if states:
        found = found.filter(state__in=states)
    return (
        found.select_related("team", "owner", "worker", "snapshot__dataset", "base_version__model")
        .defer("config", "snapshot__manifest")
        .order_by("-created_at", "-id")
    )


def active_job_count(viewer: User | AnonymousUser) -> int:
    """How many runs that the viewer sees wait or are with a worker; every page tells."""
    return next((n for (n,) in _active(viewer)), 0)


def artifacts_of(job: Job, kind: str) -> QuerySet[JobArtifact]:
    """Files of one kind in the order they were made."""
    found = JobArtifact.objects.filter(job=job, kind=kind).select_related("blob")
    return found.order_by("step", "is_final", "prompt_index", "id")


def artifact_for(viewer: User | AnonymousUser, artifact_id: UUID) -> JobArtifact:
    """One file of a run that the viewer sees. Raises NotFound."""
    found = (
        JobArtifact.objects.filter(pk=artifact_id, job__in=Job.objects.visible_to(viewer))
        .select_related("blob", "job__team")
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such file."))
    return found


def sample_rows(job: Job) -> dict[int, list[JobArtifact]]:
    """Samples by prompt, each list by step: the rows of the run page."""
    rows: dict[int, list[JobArtifact]] = {}
    for artifact in artifacts_of(job, ArtifactKind.SAMPLE):
        rows.setdefault(artifact.prompt_index or 0, []).append(artifact)
    return rows


def newest_samples(jobs: Sequence[Job], *, each: int) -> dict[UUID, list[JobArtifact]]:
    """The last `each` samples of every job, newest first; one query."""
    place = Window(
        RowNumber(), partition_by=F("job_id"), order_by=(F("step").desc(), F("prompt_index").asc())
    )
    found = JobArtifact.objects.filter(job__in=jobs, kind=ArtifactKind.SAMPLE)
    rows: dict[UUID, list[JobArtifact]] = {}
    for artifact in found.annotate(place=place).filter(place__lte=each).select_related("blob"):
        rows.setdefault(artifact.job_id, []).append(artifact)
    return rows


def published_from(artifact: JobArtifact) -> ModelVersion | None:
    """The model version that this checkpoint became; None also while publishing it broke off."""
    made = JobPublication.objects.filter(artifact=artifact).exclude(version__published_at=None)
    found = made.select_related("version__model").first()
    return found.version if found else None


def loss_curve(job: Job, *, limit: int = 2000) -> list[LossPoint]:
    """The losses in order of their steps, thinned evenly to about `limit` points."""
    points = _points(job, EventKind.STEPPED)
    every = max(1, -(-len(points) // limit))
    return points[::every]


def prepared_at(job: Job) -> datetime | None:
    """When the first step could begin: base and pictures were ready; None while they are not."""
    begun = JobEvent.objects.filter(job=job, kind=EventKind.STARTED).order_by("sequence")
    return begun.values_list("at", flat=True).first()


def held_out_curve(job: Job) -> list[LossPoint]:
    """The losses of the pictures kept out of training, in order of steps; often there are none."""
    return _points(job, EventKind.VALIDATED)


def _points(job: Job, kind: EventKind) -> list[LossPoint]:
    """What was told of each step last: a resumed run may tell a step again."""
    rows = JobEvent.objects.filter(job=job, kind=kind).order_by("sequence")
    by_step = {
        data["step"]: LossPoint(data["step"], data["loss"], data["epoch"], at)
        for data, at in rows.values_list("data", "at")
    }
    return [by_step[step] for step in sorted(by_step)]


def live_workers(now: datetime) -> QuerySet[WorkerNode]:
    """Workers that gave a sign of life in the last two minutes."""
    running = Prefetch("jobs", queryset=Job.objects.leased(), to_attr="current_jobs")
    found = WorkerNode.objects.filter(seen_at__gt=now - SEEN_WITHIN)
    return found.prefetch_related(running).order_by("name")


def places_in_line(now: datetime) -> dict[UUID, PlaceInLine]:
    """Place, expected start and reason of every waiting job of all teams; six queries."""
    jobs = list(Job.objects.waiting().defer("config").order_by("queued_at", "id"))
    if not jobs:
        return {}
    workers = list(live_workers(now))
    slots = [_slot(worker) for worker in workers]
    line = [_waiting(job) for job in jobs]
    forecasts = forecast(
        line, slots, _usage(), now=now.timestamp(), default_seconds=_usual_seconds()
    )
    return {
        job.id: PlaceInLine(
            place=forecasts[job.id].place,
            starts_at=_instant(now, forecasts[job.id]),
            reason=_reason(job, forecasts[job.id], slots),
        )
        for job in line
    }


def place_in_line(job: Job, now: datetime) -> PlaceInLine | None:
    """Where one job stands; None when it does not wait."""
    return places_in_line(now).get(job.pk)


def queue_board(viewer: User | AnonymousUser, *, team: Team | None, now: datetime) -> QueueBoard:
    """Everything the queue page shows for a team, or for all that the viewer sees."""
    jobs = jobs_of(viewer, team=team)
    places = places_in_line(now)
    known = jobs.filter(state=State.QUEUED, pk__in=places)  # one may come in between
    waiting = sorted(known, key=lambda job: places[job.pk].place)
    ended = jobs.filter(finished_at__gt=now - timedelta(days=1)).order_by("-finished_at", "-id")
    return QueueBoard(
        running=tuple(jobs.filter(state__in=LEASED).order_by("claimed_at", "id")),
        waiting=tuple(waiting),
        places=places,
        done=tuple(ended.filter(state=State.SUCCEEDED)),
        failed=tuple(ended.filter(state=State.FAILED)),
        workers=tuple(live_workers(now)),
    )


def _slot(worker: WorkerNode) -> Slot:
    """A worker with the time its running job still needs; unknown counts as none."""
    current: list[Job] = worker.current_jobs  # type: ignore[attr-defined]
    free_in = max((job.eta_seconds or 0.0 for job in current), default=0.0)
    return Slot(device=worker.device, memory_bytes=worker.memory_bytes, free_in=free_in)


def _waiting(job: Job) -> Waiting:
    left = None
    if job.estimated_seconds is not None:
        done = job.step / job.total_steps if job.total_steps else 0.0
        left = job.estimated_seconds * (1 - done)
    return Waiting(
        id=job.pk,
        team_id=job.team_id,
        owner_id=job.owner_id,
        priority=job.priority,
        queued_at=job.queued_at,
        min_memory_bytes=job.min_memory_bytes,
        device_wish=job.device_wish,
        seconds=left,
    )


def _usage() -> Usage:
    usage = Usage()
    pairs = (
        ("team_id", usage.team_running, usage.team_claimed),
        ("owner_id", usage.owner_running, usage.owner_claimed),
    )
    for column, running, claimed in pairs:
        rows = Job.objects.order_by().values(column)
        for row in rows.filter(state__in=LEASED).annotate(count=Count("pk")):
            running[row[column]] = row["count"]
        for row in rows.filter(claimed_at__isnull=False).annotate(last=Max("claimed_at")):
            claimed[row[column]] = row["last"].timestamp()
    return usage


def _usual_seconds() -> float | None:
    """Mean run time of what succeeded, for jobs without an estimate."""
    took = Extract(F("finished_at") - F("started_at"), "epoch")
    done = Job.objects.filter(state=State.SUCCEEDED, started_at__isnull=False)
    mean = done.aggregate(mean=Avg(took))["mean"]
    return float(mean) if mean is not None else None


def _instant(now: datetime, seen: Forecast) -> datetime | None:
    return None if seen.starts_in is None else now + timedelta(seconds=seen.starts_in)


def _reason(job: Waiting, seen: Forecast, slots: Sequence[Slot]) -> str:
    if not slots:
        return _("No training worker is running. The run starts when one comes up.")
    devices = [slot for slot in slots if job.device_wish in ("", slot.device)]
    if not devices:
        return _("It needs a GPU, and no worker that is running has one.")
    largest = max(slot.memory_bytes for slot in devices)
    if job.min_memory_bytes > largest:
        return _("It needs %(need).1f GB of memory; the largest worker has %(have).1f GB.") % {
            "need": job.min_memory_bytes / GIB,
            "have": largest / GIB,
        }
    if seen.place == 1:
        return _("It is next. It starts when a worker is free.")
    ahead = seen.place - 1
    return ngettext("%(count)d run is ahead of it.", "%(count)d runs are ahead of it.", ahead) % {
        "count": ahead
    }


def _count_of_active(viewer: User | AnonymousUser) -> QuerySet[Job, tuple[int]]:
    """One row with the number, as all rows are in one group."""
    rows = Job.objects.visible_to(viewer).filter(state__in=ACTIVE_STATES).order_by()
    return rows.values_list(Value(1)).annotate(n=Count("pk")).values_list("n")


_active = RowsForViewer(_count_of_active)
