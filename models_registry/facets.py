"""Counts beside the filters of the model list.

One pass over the matching models counts everything that is a column of theirs. Base models belong
to versions; where very many models match, each of them is counted up to BASE_CEILING only.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery

from hub.core.lookups import among
from models_registry.filters import (
    PUBLISHED_SCOPES,
    ModelFilters,
    Scope,
    filtered,
    narrowed,
    search_hits,
)
from models_registry.models.base_model import BaseModel
from models_registry.models.model import Model, ModelType, Subject, Viewer
from models_registry.models.version import ModelVersion
from models_registry.searching import Hits

#: Up to this many matching models, base models are counted exactly.
EXACT_MODELS = 10_000
BASE_CEILING = 1_000
COUNTED = ("types", "subjects", "verified", "trained_here", "base_models")
COLUMNS = ("type", "subject", "is_verified", "is_trained_here")
Group = tuple[str, str, bool, bool]


@dataclass(frozen=True, slots=True)
class FacetChoice:
    """One choice of a filter with the number of models it would show, or more with `is_least`."""

    value: str
    label: str
    count: int
    is_least: bool = False


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts beside every filter, each with the other filters in force.

    With `is_least` a search found more models than were counted; of the total, `is_total_least`.
    """

    types: tuple[FacetChoice, ...]
    base_models: tuple[FacetChoice, ...]
    subjects: tuple[FacetChoice, ...]
    verified: int
    trained_here: int
    total: int
    is_least: bool = False
    is_total_least: bool = False


class _Rows(Subquery):
    """The number of rows of a subquery, which may be cut."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def facet_counts(
    *, viewer: Viewer, filters: ModelFilters | None = None, hits: Hits | None = None
) -> Facets:
    """Counts for the filter rail; choices that would show nothing are left out.

    `hits`, where the caller has them, are those of `search_hits` for these filters.
    """
    filters = filters or ModelFilters()
    hits = hits or search_hits(viewer, filters)
    wide = filters.without(*COUNTED)
    wide_hits = hits if wide == filters else search_hits(viewer, wide)
    all_groups = groups = _groups(_found(viewer, wide, wide_hits))
    if filters.base_models:
        of_base = filters.without(*COUNTED[:-1])
        groups = _groups(_found(viewer, of_base, wide_hits))
    of_all_bases = _found(viewer, filters.without("base_models"), wide_hits)
    return Facets(
        types=_column_facet(groups, filters.without("types"), 0, ModelType.choices),
        base_models=_base_model_facet(of_all_bases, filters.scope, _sum(all_groups, filters)),
        subjects=_column_facet(groups, filters.without("subjects"), 1, Subject.choices),
        verified=_sum(groups, filters, lambda group: group[2]),
        trained_here=_sum(groups, filters, lambda group: group[3]),
        total=len(hits.ids) if hits is not None else _sum(groups, filters),
        is_least=wide_hits is not None and not wide_hits.is_complete,
        is_total_least=hits is not None and not hits.is_complete,
    )


def _found(viewer: Viewer, filters: ModelFilters, hits: Hits | None) -> QuerySet[Model]:
    """Models that meet the filters, of those that the words found."""
    models = narrowed(viewer, filters).order_by()
    return models if hits is None else models.filter(among("pk", hits.ids))


def model_count(*, viewer: Viewer, filters: ModelFilters) -> int:
    """How many models a list holds for this viewer."""
    return filtered(viewer, filters).order_by().count()


def _groups(models: QuerySet[Model]) -> dict[Group, int]:
    """How many models there are of each type, subject and so on: some hundred rows at most."""
    rows = models.order_by().values_list(*COLUMNS).annotate(n=Count("pk"))
    return {(kind, subject, checked, here): n for kind, subject, checked, here, n in rows}


def _fits(group: Group, filters: ModelFilters) -> bool:
    kind, subject, is_verified, is_trained_here = group
    return (
        (not filters.types or kind in filters.types)
        and (not filters.subjects or subject in filters.subjects)
        and (is_verified or not filters.verified)
        and (is_trained_here or not filters.trained_here)
    )


def _sum(
    groups: dict[Group, int],
    filters: ModelFilters,
    wanted: Callable[[Group], bool] = lambda _group: True,
) -> int:
    return sum(n for group, n in groups.items() if _fits(group, filters) and wanted(group))


def _column_facet(
    groups: dict[Group, int], filters: ModelFilters, at: int, choices: Sequence[tuple[Any, Any]]
) -> tuple[FacetChoice, ...]:
    counts: Counter[Any] = Counter()
    for group, count in groups.items():
        if _fits(group, filters):
            counts[group[at]] += count
    return tuple(
        FacetChoice(str(value), str(label), counts[value])
        for value, label in choices
        if counts[value]
    )


def _base_model_facet(
    models: QuerySet[Model], scope: Scope, matching: int
) -> tuple[FacetChoice, ...]:
    """Of `models`, which are `matching` many."""
    is_exact = matching <= EXACT_MODELS
    keys = models.values_list("pk", flat=True)
    # Few keys are sent along: PostgreSQL could only guess how many there are.
    of_models = Q(among("model", keys)) if is_exact else Q(model__in=keys)
    versions = ModelVersion.objects.filter(of_models)
    if scope in PUBLISHED_SCOPES:
        versions = versions.published()
    counts = _all_of_each_base(versions) if is_exact else _some_of_each_base(versions)
    ceiling = matching if is_exact else BASE_CEILING
    rows = BaseModel.objects.filter(pk__in=counts).order_by("sort", "name")
    return tuple(
        FacetChoice(row.name, row.name, min(counts[row.pk], ceiling), counts[row.pk] > ceiling)
        for row in rows
    )


def _all_of_each_base(versions: QuerySet[ModelVersion]) -> dict[int, int]:
    rows = versions.exclude(base_model=None).order_by().values_list("base_model_id")
    return dict(rows.annotate(n=Count("model_id", distinct=True)))


def _some_of_each_base(versions: QuerySet[ModelVersion]) -> dict[int, int]:
    """Counted up to one more than BASE_CEILING."""
    of_base = versions.filter(base_model_id=OuterRef("pk")).order_by()
    some = of_base.values("model_id").distinct()[: BASE_CEILING + 1]
    rows = BaseModel.objects.order_by().values_list("pk", _Rows(some))
    return {pk: count for pk, count in rows if count}
