"""Counts beside the filters of the model list.

The whole list of a large hub is counted beforehand (kept_counts). What filters or words found is a
few hundred models, whose columns are read once and counted here (facet_rows). Otherwise one pass
over the matching models counts everything that is a column of theirs, and base models by their
versions; where very many models match, each of them is counted up to BASE_CEILING only.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery

from hub.core.kept_queries import KeptRows
from hub.core.lookups import among, keys_of
from models_registry.facet_rows import FacetRow, facet_rows, with_columns
from models_registry.filters import (
    COUNTED,
    PUBLISHED_SCOPES,
    ModelFilters,
    are_columns,
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
    """Hits for a list, and for the list without the filters whose choices have counts.

    `rows` are the columns of the wide hits, and `of_base` those of them with a chosen base model;
    None for lists with drafts, whose base models do not stand on the model.
    """

    hits: Hits | None
    wide: Hits | None
    rows: Sequence[FacetRow] | None = None
    of_base: Sequence[FacetRow] = ()


def find(viewer: Viewer, filters: ModelFilters) -> Found:
    """Look for what the list shows and for what is counted beside it, once where one will do."""
    wide_filters = counted_apart(filters)
    if wide_filters != filters and filters.query.strip():
        wide, own = search_both(viewer, filters)
        return Found(own, wide, *_rows_of(viewer, filters, wide))
    wide_hits = search_hits(viewer, wide_filters)
    rows, of_base = _rows_of(viewer, filters, wide_hits)
    if wide_hits is None or wide_filters == filters:
        own_hits = wide_hits if wide_filters == filters else search_hits(viewer, filters)
    elif wide_hits.is_complete and rows is not None:
        keys = tuple(row.key for row in with_columns(of_base, filters))
        own_hits = replace(wide_hits, ids=keys)
    else:
        own_hits = search_hits(viewer, filters, inside=wide_hits)
    return Found(own_hits, wide_hits, rows, of_base)


def _rows_of(
    viewer: Viewer, filters: ModelFilters, hits: Hits | None
) -> tuple[Sequence[FacetRow] | None, Sequence[FacetRow]]:
    """Columns of the wide hits, and of those with a chosen base model; see Found."""
    if hits is None or filters.scope not in PUBLISHED_SCOPES:
        return None, ()
    rows = facet_rows(hits.ids)
    return rows, _with_bases(viewer, filters, rows)


def _with_bases(
    viewer: Viewer, filters: ModelFilters, rows: Sequence[FacetRow]
) -> Sequence[FacetRow]:
    """Those with one of the chosen base models, in the version that has the rest."""
    if not filters.base_models:
        return rows
    bases = set(filters.looked_up.keys(keys_of_bases, filters.base_models))
    rows = [row for row in rows if not bases.isdisjoint(row.base_ids)]
    if are_columns(filters):
        return rows
    of_base = narrowed(viewer, filters.without(*COUNTED[:-1], "query"))
    held = set(keys_of(of_base.filter(among("pk", [row.key for row in rows])).order_by()))
    return [row for row in rows if row.key in held]


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
    facets = _facets_of_rows(filters, found) or _counted(viewer, filters, found)
    hits, wide_hits = found.hits, found.wide
    return replace(
        facets,
        total=facets.total if hits is None else len(hits.ids),
        is_least=wide_hits is not None and not wide_hits.is_complete,
        is_total_least=hits is not None and not hits.is_complete,
    )


def _facets_of_rows(filters: ModelFilters, found: Found) -> Facets | None:
    """Of the columns that were read of all wide hits; None where none were."""
    if found.rows is None:
        return None
    any_base = with_columns(found.rows, filters.without("base_models"))
    bases = Counter(key for row in any_base for key in row.base_ids)
    groups = Counter(row.group for row in found.of_base)
    return _facets(groups, filters, _base_choices(bases, ceiling=None))


def _counted(viewer: Viewer, filters: ModelFilters, found: Found) -> Facets:
    """Counted by the database, however many models match."""
    wide_hits = found.wide
    # These hits are models that meet the wide filters: nothing has to be asked of them again.
    all_wide = (
        narrowed(viewer, counted_apart(filters))
        if wide_hits is None
        else Model.objects.filter(among("pk", wide_hits.ids))
    )
    all_groups = groups = _groups(all_wide)
    if filters.base_models:
        of_base = filters.without(*COUNTED[:-1])
        groups = _groups(_found(viewer, of_base, wide_hits))
    bases, ceiling = _bases(viewer, filters, wide_hits, matching=_sum(all_groups, filters))
    return _facets(groups, filters, _base_choices(bases, ceiling))


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
    most = max(counts.values(), default=0) if ceiling is None else ceiling
    return tuple(
        FacetChoice(row.name, row.name, min(counts[row.pk], most), counts[row.pk] > most)
        for row in _bases_in_order(shown)
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


_bases_in_order = KeptRows(
    lambda keys: BaseModel.objects.filter(among("pk", keys)).order_by("sort", "name")
)
