"""Reads of preview grids for pages and API."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core.errors import NotFound
from training.jobs.models.artifact import JobArtifact
from training.jobs.models.drawn import GridState
from training.jobs.models.grid import GridCell, PreviewGrid
from training.jobs.models.job import Job


def grid_for(viewer: User | AnonymousUser, grid_id: UUID) -> PreviewGrid:
    """The grid, as far as the viewer sees its run. Raises NotFound."""
    found = PreviewGrid.objects.filter(pk=grid_id, job__in=Job.objects.visible_to(viewer))
    grid = found.select_related("job__team", "job__snapshot__dataset", "requested_by").first()
    if grid is None:
        raise NotFound(_("There is no such preview grid."))
    return grid


def grids_of(job: Job) -> QuerySet[PreviewGrid]:
    """Grids of a run, newest first, each with `made`, the number of its pictures."""
    return job.grids.annotate(made=Count("cells")).order_by("-created_at", "-id")


def cells_of(grid: PreviewGrid) -> list[GridCell]:
    """Cells with their pictures; one query."""
    return list(grid.cells.select_related("blob").order_by("created_at", "id"))


def checkpoints_of(grid: PreviewGrid) -> list[JobArtifact]:
    """Checkpoints of a grid in the order they were trained."""
    return list(grid.checkpoints.order_by("step", "is_final", "id"))


def grids_ahead(grid: PreviewGrid) -> int:
    """How many grids of all teams wait before this one."""
    waiting = PreviewGrid.objects.filter(state=GridState.QUEUED, created_at__lt=grid.created_at)
    return waiting.count()
