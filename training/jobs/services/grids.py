"""Preview grids: asked for by a person, drawn by a training worker between two runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hub.accounts.models import Team, User
from hub.core import audit
from hub.core.errors import Conflict, Invalid
from hub.storage.blobs import store_path
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.drawn import GridState
from training.jobs.models.grid import GridCell, PreviewGrid
from training.jobs.models.job import Job, Method
from training.jobs.models.worker_node import WorkerNode
from training.jobs.permissions import require_control
from training.jobs.services.drawing_line import DrawingLine
from training.jobs.services.lifecycle import require_membership, wake_workers
from training.jobs.services.ranges import GUIDANCE_RANGE, SEED_RANGE, WEIGHT_RANGE, check_range

WEIGHTED_METHODS = (Method.LORA, Method.HYPERNETWORK)
GRIDS = DrawingLine(PreviewGrid)


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
        if GRIDS.cancel(grid):
            audit.record(actor=actor, action="grid.cancel", target=grid)
    grid.refresh_from_db()
    return grid


def retry_grid(*, actor: User, grid: PreviewGrid) -> PreviewGrid:
    """Draw the cells that a failed or canceled grid lacks. Raises Conflict otherwise."""
    require_control(actor, grid.job)
    with transaction.atomic():
        _check_room(grid.job.team)
        GRIDS.retry(grid)
        audit.record(actor=actor, action="grid.retry", target=grid)
    grid.refresh_from_db()
    return grid


def claim_next_grid(*, worker: WorkerNode) -> PreviewGrid | None:
    """The next grid, now RUNNING under a lease: fewest running of its team, then the oldest.

    Only grids of runs that would fit this worker too: drawing takes less than training.
    """
    fitting = GRIDS.waiting().filter(
        Q(job__device_wish="") | Q(job__device_wish=worker.device),
        job__min_memory_bytes__lte=worker.memory_bytes,
    )
    order = fitting.annotate(running=_running()).order_by("running", "created_at", "id")
    claimed = GRIDS.claim(order, worker)
    if claimed is None:
        return None
    return PreviewGrid.objects.select_related("job__team").get(pk=claimed)


def record_cell(*, grid_id: UUID, attempt: int, key: CellKey, path: Path) -> GridCell:
    """Keep the picture of a cell; one that is there stays. Raises LeaseLost."""
    blob = store_path(path, content_type="image/png")
    with transaction.atomic():
        GRIDS.note_picture(grid_id, attempt)
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


def _checked(job: Job, axes: GridAxes) -> GridAxes:
    weights = list(axes.weights) if job.method in WEIGHTED_METHODS else [1.0]
    axes = GridAxes(axes.checkpoints, axes.prompts, weights, axes.guidances, axes.seeds)
    parts = (axes.checkpoints, axes.prompts, axes.weights, axes.guidances, axes.seeds)
    if not all(parts) or any(len(set(part)) != len(part) for part in parts):
        raise Invalid(_("A grid needs at least one of everything, and nothing twice."))
    own = {ArtifactKind.CHECKPOINT.value, job.pk}
    if any({row.kind, row.job_id} != own for row in axes.checkpoints):
        raise Invalid(_("Choose checkpoints of this run."))
    check_range(axes.weights, WEIGHT_RANGE)
    check_range(axes.guidances, GUIDANCE_RANGE)
    check_range(axes.seeds, SEED_RANGE)
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


def _check_room(team: Team) -> None:
    Team.objects.select_for_update(of=("self",)).get(pk=team.pk)
    waiting = PreviewGrid.objects.filter(job__team=team, state=GridState.QUEUED).count()
    if waiting >= settings.TEAM_MAX_QUEUED_GRIDS:
        raise Conflict(
            _("The team has %s grids in line already. Wait for one, or cancel one.") % waiting
        )
