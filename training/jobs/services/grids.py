"""Preview grids: asked for by a person, drawn by a training worker between two runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.accounts.models import Team, User
from hub.core import audit
from hub.core.errors import Conflict, Invalid
from hub.storage.blobs import store_path
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.grid import GridCell, GridState, PreviewGrid
from training.jobs.models.job import Job, Method
from training.jobs.models.worker_node import WorkerNode
from training.jobs.permissions import require_control
from training.jobs.services.lifecycle import Failure, require_membership, wake_workers
from training.jobs.services.transitions import LeaseLost, lease_end, must

WEIGHTED_METHODS = (Method.LORA, Method.HYPERNETWORK)
WEIGHT_RANGE, GUIDANCE_RANGE, SEED_RANGE = (-2.0, 2.0), (0.0, 30.0), (0, 2**32 - 1)
LOST = Failure("worker_lost", "The worker that drew this grid gave no sign of life.")


@dataclass(frozen=True)
class GridAxes:
    """What varies in a grid. Prompts are kohya's lines; their own --l and --d are not used."""

    checkpoints: Sequence[JobArtifact]
    prompts: Sequence[str]
    weights: Sequence[float]
    guidances: Sequence[float]
    seeds: Sequence[int]

    @property
    def pictures(self) -> int:
        """Number of pictures, the base's own included."""
        columns = 1 + len(self.checkpoints) * len(self.weights)
        return columns * len(self.prompts) * len(self.guidances) * len(self.seeds)


@dataclass(frozen=True)
class CellKey:
    """Which cell a picture is; without a checkpoint it is the base alone."""

    prompt_index: int
    checkpoint_id: UUID | None
    weight: float | None
    guidance: float
    seed: int


def request_grid(*, actor: User, job: Job, axes: GridAxes) -> PreviewGrid:
    """Put a grid of a run's checkpoints in line; Invalid for what cannot be drawn."""
    require_control(actor, job)
    require_membership(actor, job.team)
    axes = _checked(job, axes)
    with transaction.atomic():
        _check_room(job.team)
        grid = PreviewGrid.objects.create(
            job=job,
            requested_by=actor,
            prompts=list(axes.prompts),
            weights=list(axes.weights),
            guidances=list(axes.guidances),
            seeds=list(axes.seeds),
            total_cells=axes.pictures,
        )
        grid.checkpoints.set(axes.checkpoints)
        audit.record(actor=actor, action="grid.request", target=grid, detail={"job": job.number})
        wake_workers()
    return grid


def cancel_grid(*, actor: User, grid: PreviewGrid) -> PreviewGrid:
    """Draw no more; the cells that are there stay. Twice is as once."""
    require_control(actor, grid.job)
    with transaction.atomic():
        live = PreviewGrid.objects.filter(
            pk=grid.pk, state__in=(GridState.QUEUED, GridState.RUNNING)
        )
        if live.update(state=GridState.CANCELED, lease_until=None, finished_at=Now()):
            audit.record(actor=actor, action="grid.cancel", target=grid)
    grid.refresh_from_db()
    return grid


def retry_grid(*, actor: User, grid: PreviewGrid) -> PreviewGrid:
    """Draw the cells that a failed or canceled grid lacks. Raises Conflict otherwise."""
    require_control(actor, grid.job)
    with transaction.atomic():
        _check_room(grid.job.team)
        over = PreviewGrid.objects.filter(
            pk=grid.pk, state__in=(GridState.FAILED, GridState.CANCELED)
        )
        afresh = {"fruitless_attempts": 0, "finished_at": None, **_error(None)}
        must(
            over.update(state=GridState.QUEUED, **afresh) == 1,
            _("Only a grid that failed or was canceled can be tried again."),
        )
        audit.record(actor=actor, action="grid.retry", target=grid)
        wake_workers()
    grid.refresh_from_db()
    return grid


def claim_next_grid(*, worker: WorkerNode) -> PreviewGrid | None:
    """The next grid, now RUNNING under a lease: fewest running of its team, then the oldest.

    Only grids of runs that would fit this worker too: drawing takes less than training.
    """
    with transaction.atomic():
        fitting = PreviewGrid.objects.filter(
            Q(job__device_wish="") | Q(job__device_wish=worker.device),
            state=GridState.QUEUED,
            job__min_memory_bytes__lte=worker.memory_bytes,
        )
        order = fitting.annotate(running=_running())
        ids = list(order.order_by("running", "created_at", "id").values_list("pk", flat=True)[:8])
        line = PreviewGrid.objects.select_for_update(skip_locked=True, of=("self",))
        free = {row.pk: row for row in line.filter(pk__in=ids, state=GridState.QUEUED)}
        grid = next((free[pk] for pk in ids if pk in free), None)
        if grid is None:
            return None
        PreviewGrid.objects.filter(pk=grid.pk).update(
            state=GridState.RUNNING,
            worker=worker,
            attempt=F("attempt") + 1,
            fruitless_attempts=F("fruitless_attempts") + 1,
            lease_until=lease_end(settings.JOB_LEASE_SECONDS),
        )
    return PreviewGrid.objects.select_related("job__team").get(pk=grid.pk)


def renew_grid_lease(*, grid_id: UUID, attempt: int) -> None:
    """A sign of life. Raises LeaseLost when the grid is not this attempt's, or not wanted, now."""
    held = _held(grid_id, attempt)
    if held.update(lease_until=lease_end(settings.JOB_LEASE_SECONDS)) != 1:
        raise LeaseLost


def record_cell(*, grid_id: UUID, attempt: int, key: CellKey, path: Path) -> GridCell:
    """Keep the picture of a cell; one that is there stays. Raises LeaseLost."""
    blob = store_path(path, content_type="image/png")
    with transaction.atomic():
        if _held(grid_id, attempt).update(fruitless_attempts=0) != 1:
            raise LeaseLost
        cell, _made = GridCell.objects.get_or_create(
            grid_id=grid_id,
            prompt_index=key.prompt_index,
            checkpoint_id=key.checkpoint_id,
            weight=key.weight,
            guidance=key.guidance,
            seed=key.seed,
            defaults={"blob": blob},
        )
    return cell


def finish_grid(*, grid_id: UUID, attempt: int) -> None:
    """Every cell is there: RUNNING → DONE. Raises LeaseLost."""
    _leave(grid_id, attempt, GridState.DONE, finished_at=Now())


def fail_grid(*, grid_id: UUID, attempt: int, failure: Failure) -> None:
    """It cannot be drawn: RUNNING → FAILED. Raises LeaseLost."""
    _leave(grid_id, attempt, GridState.FAILED, finished_at=Now(), **_error(failure))


def give_back_grid(*, grid_id: UUID, attempt: int, failure: Failure | None = None) -> None:
    """Back in line, for a worker that leaves; within the cap where something went wrong."""
    grid = PreviewGrid.objects.filter(pk=grid_id).first()
    if grid is None:
        raise LeaseLost
    if failure is not None and grid.fruitless_attempts >= settings.JOB_MAX_ATTEMPTS:
        fail_grid(grid_id=grid_id, attempt=attempt, failure=failure)
        return
    _leave(grid_id, attempt, GridState.QUEUED, worker=None)
    wake_workers()


def requeue_lost_grids() -> int:
    """Take back every grid whose lease ran out, by the database's clock; returns how many."""
    lost = PreviewGrid.objects.filter(state=GridState.RUNNING, lease_until__lt=Now())
    count = 0
    for grid_id, attempt in lost.values_list("pk", "attempt"):
        try:
            give_back_grid(grid_id=grid_id, attempt=attempt, failure=LOST)
        except LeaseLost:
            continue
        count += 1
    return count


def _running() -> Coalesce:
    """Number of grids of the same team that are being drawn."""
    counted = (
        PreviewGrid.objects.filter(job__team=OuterRef("job__team"), state=GridState.RUNNING)
        .order_by()
        .values("job__team")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _held(grid_id: UUID, attempt: int) -> QuerySet[PreviewGrid]:
    return PreviewGrid.objects.filter(pk=grid_id, attempt=attempt, state=GridState.RUNNING)


def _leave(grid_id: UUID, attempt: int, target: GridState, **columns: Any) -> None:
    if _held(grid_id, attempt).update(state=target, lease_until=None, **columns) != 1:
        raise LeaseLost


def _error(failure: Failure | None) -> dict[str, Any]:
    return {
        "error_code": failure.code[:60] if failure else "",
        "error_params": failure.params if failure else {},
        "error_message": failure.message if failure else "",
    }


def _checked(job: Job, axes: GridAxes) -> GridAxes:
    weights = list(axes.weights) if job.method in WEIGHTED_METHODS else [1.0]
    axes = GridAxes(axes.checkpoints, axes.prompts, weights, axes.guidances, axes.seeds)
    parts = (axes.checkpoints, axes.prompts, axes.weights, axes.guidances, axes.seeds)
    if not all(parts) or any(len(set(part)) != len(part) for part in parts):
        raise Invalid(_("A grid needs at least one of everything, and nothing twice."))
    own = {ArtifactKind.CHECKPOINT.value, job.pk}
    if any({row.kind, row.job_id} != own for row in axes.checkpoints):
        raise Invalid(_("Choose checkpoints of this run."))
    _check_range(axes.weights, WEIGHT_RANGE)
    _check_range(axes.guidances, GUIDANCE_RANGE)
    _check_range(axes.seeds, SEED_RANGE)
    if axes.pictures > settings.GRID_MAX_PICTURES:
        raise Invalid(
            ngettext(
                "This grid has %(n)d picture; at most %(most)d can be drawn at once.",
                "This grid has %(n)d pictures; at most %(most)d can be drawn at once.",
                axes.pictures,
            )
            % {"n": axes.pictures, "most": settings.GRID_MAX_PICTURES}
        )
    return axes


def _check_range(values: Sequence[float], allowed: tuple[float, float]) -> None:
    least, most = allowed
    if not all(least <= value <= most for value in values):
        raise Invalid(
            _("Numbers here go from %(least)s to %(most)s.") % {"least": least, "most": most}
        )


def _check_room(team: Team) -> None:
    Team.objects.select_for_update(of=("self",)).get(pk=team.pk)
    waiting = PreviewGrid.objects.filter(job__team=team, state=GridState.QUEUED).count()
    if waiting >= settings.TEAM_MAX_QUEUED_GRIDS:
        raise Conflict(
            _("The team has %s grids in line already. Wait for one, or cancel one.") % waiting
        )
