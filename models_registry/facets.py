"""Counts beside the filters of the model list.

The whole list of a large hub is counted beforehand (kept_counts). Otherwise one pass over the
matching models counts everything that is a column of theirs. Base models belong to versions; where
very many models match, each of them is counted up to BASE_CEILING only.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery

from hub.core.lookups import among, keys_of
from models_registry.filters import (
    COUNTED,
    PUBLISHED_SCOPES,
    ModelFilters,
    counted_apart,
    filtered,
    narrowed,
    search_both,
    search_hits,
)
from models_registry.kept_counts import Counts, Group, kept_counts
from models_registry.key_lookup import keys_of_bases
from models_registry.models.base_model import BaseModel
from models_registry.models.model import FACET_COLUMNS, Model, ModelType, Subject, Viewer
from models_registry.models.version import ModelVersion
from models_registry.searching import Hits

#: Up to this many matching models, base models are counted exactly.
EXACT_MODELS = 10_000
BASE_CEILING = 200


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


@dataclass(frozen=True, slots=True)
class Found:
    """Hits for a list, and for the list without the filters whose choices have counts."""

    hits: Hits | None
    wide: Hits | None


def find(viewer: Viewer, filters: ModelFilters) -> Found:
    """Look for what the list shows and for what is counted beside it, once where one will do."""
    wide_filters = counted_apart(filters)
    if wide_filters == filters:
        hits = search_hits(viewer, filters)
        return Found(hits, hits)
    if filters.query.strip():
        found, own = search_both(viewer, filters)
        return Found(own, found)
    wide = search_hits(viewer, wide_filters)
    return Found(search_hits(viewer, filters, inside=wide), wide)


class _Rows(Subquery):
    """The number of rows of a subquery, which may be cut."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def facet_counts(
    *, viewer: Viewer, filters: ModelFilters | None = None, found: Found | None = None
) -> Facets:
    """Counts for the filter rail; choices that would show nothing are left out.

    `found` is what `find` gave for these filters, where the caller has it.
    """
    filters = filters or ModelFilters()
    wide = counted_apart(filters)
    # With several base models a model would be counted for each of them.
    if wide.without("team", "unseen") == ModelFilters() and len(filters.base_models) <= 1:
        kept = kept_counts(viewer, unseen=filters.unseen)
        if kept is not None:
            return _facets_of_kept(kept, filters)
    found = found or find(viewer, filters)
    hits, wide_hits = found.hits, found.wide
    # These hits are models that meet the wide filters: nothing has to be asked of them again.
    all_wide = narrowed(viewer, wide) if wide_hits is None else _of(wide_hits)
    all_groups = groups = _groups(all_wide)
    if filters.base_models:
        of_base = filters.without(*COUNTED[:-1])
        groups = _groups(_found(viewer, of_base, wide_hits))
    bases, ceiling = _bases(viewer, filters, wide_hits, matching=_sum(all_groups, filters))
    facets = _facets(groups, filters, _base_choices(bases, ceiling))
    return replace(
        facets,
        total=facets.total if hits is None else len(hits.ids),
        is_least=wide_hits is not None and not wide_hits.is_complete,
        is_total_least=hits is not None and not hits.is_complete,
    )


def _facets_of_kept(kept: Counts, filters: ModelFilters) -> Facets:
    """Of the whole list, which was counted before."""
    fitting = filters.without("base_models")
    bases: Counter[int] = Counter()
    for group, counts in kept.bases.items():
        if _fits(group, fitting):
            bases.update(counts)
    groups: Mapping[Group, int] = kept.groups
    for key in keys_of_bases(filters.base_models) if filters.base_models else ():
        groups = kept.of_base(key)
    return _facets(groups, filters, _base_choices(bases, ceiling=None))


def _facets(
    groups: Mapping[Group, int], filters: ModelFilters, base_models: tuple[FacetChoice, ...]
) -> Facets:
    return Facets(
        types=_column_facet(groups, filters.without("types"), 0, ModelType.choices),
        base_models=base_models,
        subjects=_column_facet(groups, filters.without("subjects"), 1, Subject.choices),
        verified=_sum(groups, filters, lambda group: group[2]),
        trained_here=_sum(groups, filters, lambda group: group[3]),
        total=_sum(groups, filters),
    )


def _of(hits: Hits) -> QuerySet[Model]:
    return Model.objects.filter(among("pk", hits.ids))


def _found(viewer: Viewer, filters: ModelFilters, hits: Hits | None) -> QuerySet[Model]:
    """Models that meet the filters, of those that the words found."""
    models = narrowed(viewer, filters).order_by()
    return models if hits is None else models.filter(among("pk", hits.ids))


def model_count(*, viewer: Viewer, filters: ModelFilters) -> int:
    """How many models a list holds for this viewer."""
    return filtered(viewer, filters).order_by().count()


def _groups(models: QuerySet[Model]) -> dict[Group, int]:
    """How many models there are of each type, subject and so on: some hundred rows at most."""
    rows = models.order_by().values_list(*FACET_COLUMNS).annotate(n=Count("pk"))
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
    groups: Mapping[Group, int],
    filters: ModelFilters,
    wanted: Callable[[Group], bool] = lambda _group: True,
) -> int:
    return sum(n for group, n in groups.items() if _fits(group, filters) and wanted(group))


def _column_facet(
    groups: Mapping[Group, int], filters: ModelFilters, at: int, choices: Sequence[tuple[Any, Any]]
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


def _bases(
    viewer: Viewer, filters: ModelFilters, wide_hits: Hits | None, *, matching: int
) -> tuple[dict[int, int], int | None]:
    """Models of each base model, and up to how many they were counted; `matching` match at all."""
    any_base = filters.without("base_models")
    if wide_hits is not None and any_base == filters.without(*COUNTED):
        of_models, is_exact = Q(among("model", wide_hits.ids)), True
    else:
        models = _found(viewer, any_base, wide_hits)
        is_exact = matching <= EXACT_MODELS
        # Few keys are sent along: PostgreSQL could only guess how many there are.
        of_models = (
            Q(among("model", keys_of(models))) if is_exact else Q(model__in=models.values("pk"))
        )
    versions = ModelVersion.objects.filter(of_models)
    if filters.scope in PUBLISHED_SCOPES:
        versions = versions.published()
    if is_exact:
        return _all_of_each_base(versions), None
    return _some_of_each_base(versions), BASE_CEILING


def _base_choices(counts: Mapping[int, int], ceiling: int | None) -> tuple[FacetChoice, ...]:
    shown = [key for key, count in counts.items() if count]
    rows = BaseModel.objects.filter(pk__in=shown).order_by("sort", "name")
    most = max(counts.values(), default=0) if ceiling is None else ceiling
    return tuple(
        FacetChoice(row.name, row.name, min(counts[row.pk], most), counts[row.pk] > most)
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
