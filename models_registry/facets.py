"""Counts beside the filters of the model list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from models_registry.filters import PUBLISHED_SCOPES, ModelFilters, filtered
from models_registry.models.base_model import BaseModel
from models_registry.models.model import ModelType, Subject, Viewer
from models_registry.models.version import ModelVersion


@dataclass(frozen=True, slots=True)
class FacetChoice:
    """One choice of a filter with the number of models it would show."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts beside every filter, each with the other filters in force."""

    types: tuple[FacetChoice, ...]
    base_models: tuple[FacetChoice, ...]
    subjects: tuple[FacetChoice, ...]
    verified: int
    trained_here: int
    total: int


def facet_counts(*, viewer: Viewer, filters: ModelFilters | None = None) -> Facets:
    """Counts for the filter rail; choices that would show nothing are left out."""
    filters = filters or ModelFilters()
    models = filtered(viewer, filters)
    counts = models.order_by().aggregate(
        total=Count("pk"),
        verified=Count("pk", filter=Q(is_verified=True)),
        trained_here=Count("pk", filter=Q(is_trained_here=True)),
    )
    return Facets(
        types=_column_facet(viewer, filters.without("types"), "type", ModelType.choices),
        base_models=_base_model_facet(viewer, filters.without("base_models")),
        subjects=_column_facet(viewer, filters.without("subjects"), "subject", Subject.choices),
        verified=counts["verified"],
        trained_here=counts["trained_here"],
        total=counts["total"],
    )


def _column_facet(
    viewer: Viewer, filters: ModelFilters, column: str, choices: Sequence[tuple[Any, Any]]
) -> tuple[FacetChoice, ...]:
    rows = filtered(viewer, filters).order_by().values_list(column).annotate(n=Count("pk"))
    counts = dict(rows)
    return tuple(
        FacetChoice(str(value), str(label), counts[value])
        for value, label in choices
        if counts.get(value)
    )


def _base_model_facet(viewer: Viewer, filters: ModelFilters) -> tuple[FacetChoice, ...]:
    models = filtered(viewer, filters).order_by()
    versions = ModelVersion.objects.filter(model__in=models.values("pk"))
    if filters.scope in PUBLISHED_SCOPES:
        versions = versions.published()
    counts = dict(
        versions.exclude(base_model=None)
        .values_list("base_model_id")
        .annotate(n=Count("model_id", distinct=True))
    )
    rows = BaseModel.objects.filter(pk__in=counts).order_by("sort", "name")
    return tuple(FacetChoice(row.name, row.name, counts[row.pk]) for row in rows)


def model_count(*, viewer: Viewer, filters: ModelFilters) -> int:
    """How many models a list holds for this viewer."""
    return filtered(viewer, filters).order_by().count()
