"""Reads of comparisons for pages, API and worker."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Prefetch, QuerySet
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core.errors import NotFound
from hub.core.kept_queries import KeptRows
from models_registry.models.version import ModelVersion
from training.jobs.models.comparison import Comparison, ComparisonCell, ComparisonColumn
from training.jobs.models.drawn import GridState
from training.jobs.models.grid import PreviewGrid

Viewer = User | AnonymousUser
SHOWN = 3


def comparison_for(viewer: Viewer, comparison_id: UUID) -> Comparison:
    """A comparison, as far as the viewer reaches the version that it is kept with; NotFound."""
    found = _rows(viewer).filter(pk=comparison_id)
    found = found.filter(version__in=ModelVersion.objects.reachable_by(viewer))
    comparison = found.first()
    if comparison is None:
        raise NotFound(_("There is no such comparison."))
    return comparison


def comparisons_of(viewer: Viewer, version: ModelVersion) -> QuerySet[Comparison]:
    """Comparisons kept with a version that the viewer may open, newest first, with `made`."""
    return _rows(viewer).filter(version=version).order_by("-created_at", "-id")


def is_compared(version: ModelVersion) -> bool:
    """Whether any comparison is kept with a version, which few are; asked at each model's page."""
    return bool(_one_of_version(version.pk))


def columns_to_draw(comparison: Comparison) -> list[ComparisonColumn]:
    """Columns in order, with the versions' files and the pictures that are there."""
    rows = comparison.columns.select_related("base__model", "base__tombstone")
    rows = rows.select_related("vae__model", "vae__tombstone")
    files = ("base__files__blob", "vae__files__blob")
    return list(rows.prefetch_related(*files, "cells").order_by("position"))


def drawn_ahead(comparison: Comparison) -> int:
    """How many grids and comparisons of all people wait before this one."""
    earlier = {"state": GridState.QUEUED, "created_at__lt": comparison.created_at}
    grids = PreviewGrid.objects.filter(**earlier).count()
    return grids + Comparison.objects.filter(**earlier).count()


def _rows(viewer: Viewer) -> QuerySet[Comparison]:
    """With columns, whose versions are None where the viewer may not see them, and pictures."""
    seen = ModelVersion.objects.visible_to(viewer).select_related("model")
    columns = ComparisonColumn.objects.order_by("position").prefetch_related(
        Prefetch("base", seen),
        Prefetch("vae", seen),
        Prefetch("cells", ComparisonCell.objects.select_related("blob")),
    )
    rows = Comparison.objects.select_related("version__model__team", "requested_by")
    counted = rows.annotate(made=Count("columns__cells"))
    return counted.prefetch_related(Prefetch("columns", columns))


_one_of_version = KeptRows(
    lambda version: Comparison.objects.filter(version_id=version).values_list("pk")[:1]
)
