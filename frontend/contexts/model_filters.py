"""The filters of the model list: choices, removable chips, and the address that holds them all."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from frontend.contexts.lists import Choice, FilterChip, FilterGroup, with_query
from models_registry.facets import FacetChoice, Facets
from models_registry.filters import ModelFilters, Scope, Sort
from models_registry.models.file import PRECISIONS, FileFormat
from models_registry.models.model import CommercialUse, ModelType, Subject, Viewer
from models_registry.models.terms import LicenceName
from models_registry.queries import chosen_sort

SORT_LABELS = {
    Sort.RELEVANCE: gettext_lazy("Best match"),
    Sort.NEWEST: gettext_lazy("Newest"),
    Sort.TRENDING: gettext_lazy("Trending"),
    Sort.RATING: gettext_lazy("Highest rated"),
    Sort.DOWNLOADS: gettext_lazy("Most downloaded"),
    Sort.LIKES: gettext_lazy("Most liked"),
    Sort.COMMENTS: gettext_lazy("Most discussed"),
    Sort.BOOKMARKS: gettext_lazy("Most collected"),
    Sort.IMAGES: gettext_lazy("Most images"),
    Sort.OLDEST: gettext_lazy("Oldest"),
}
SCOPE_LABELS = {
    Scope.EVERYONE: gettext_lazy("Everyone"),
    Scope.TEAM: gettext_lazy("My team"),
    Scope.MINE: gettext_lazy("Mine"),
    Scope.SAVED: gettext_lazy("Saved"),
    Scope.FOLLOWING: gettext_lazy("Following"),
    Scope.HIDDEN: pgettext_lazy("models", "Hidden"),
}
#: Filters of several values: name in the address, field of ModelFilters.
MULTIPLE = {
    "type": "types",
    "base": "base_models",
    "subject": "subjects",
    "tag": "tags",
    "format": "formats",
    "precision": "precisions",
    "licence": "licences",
    "commercial": "commercial_uses",
}
#: Boxes to tick: name in the address, field of ModelFilters, words.
SWITCHES = (
    ("verified", "verified", gettext_lazy("Verified files")),
    ("trained", "trained_here", gettext_lazy("Trained here")),
    ("unseen", "unseen", gettext_lazy("Only what I have not seen")),
)


def list_query(filters: ModelFilters, sort: Sort | None) -> str:
    """The query string of a list, without what is the default."""
    query = QueryDict(mutable=True)
    pairs = {
        "q": filters.query,
        "scope": "" if filters.scope is Scope.EVERYONE else filters.scope.value,
        "by": filters.username,
        **{name: "1" if getattr(filters, column) else "" for name, column, _words in SWITCHES},
        "sort": sort.value if sort else "",
    }
    for name, column in MULTIPLE.items():
        query.setlist(name, list(getattr(filters, column)))
    for name, value in pairs.items():
        if value:
            query[name] = value
    return query.urlencode()


def list_url(filters: ModelFilters, sort: Sort | None) -> str:
    """Address of the list with these filters."""
    return with_query(reverse("models"), list_query(filters, sort))


def filter_groups(viewer: Viewer, facets: Facets, filters: ModelFilters) -> list[FilterGroup]:
    """The rail: what is counted first, then what is rarer, folded."""
    counts = {"verified": facets.verified, "trained": facets.trained_here}
    switches = tuple(
        Choice(
            name,
            str(words),
            getattr(filters, column),
            count=counts.get(name),
            is_least=facets.is_least,
        )
        for name, column, words in SWITCHES
        if name != "unseen" or viewer.is_authenticated
    )
    groups = [
        FilterGroup("type", _("Type"), _counted(facets, facets.types, filters.types)),
        FilterGroup(
            "base", _("Base model"), _counted(facets, facets.base_models, filters.base_models)
        ),
        FilterGroup("subject", _("Subject"), _counted(facets, facets.subjects, filters.subjects)),
        FilterGroup("", _("Files"), switches),
        _plain("format", _("File format"), FileFormat.choices, filters.formats),
        _plain("precision", _("Precision"), [(p, p) for p in PRECISIONS], filters.precisions),
        _plain("licence", _("Licence"), LicenceName.choices, filters.licences),
        _plain("commercial", _("Commercial use"), CommercialUse.choices, filters.commercial_uses),
    ]
    return [group for group in groups if group.choices]


def scope_choices(viewer: Viewer, filters: ModelFilters, sort: Sort | None) -> list[Choice]:
    """Whose models; nothing for guests."""
    if not viewer.is_authenticated:
        return []
    offered = [s for s in Scope if s is not Scope.TEAM or filters.team is not None]
    return [
        Choice(
            scope.value,
            str(SCOPE_LABELS[scope]),
            scope is filters.scope,
            list_url(replace(filters, scope=scope), sort),
        )
        for scope in offered
    ]


def sort_choices(filters: ModelFilters, sort: Sort | None) -> list[Choice]:
    """Orders; the best match only where something is looked for."""
    now = chosen_sort(filters, sort)
    offered = [s for s in SORT_LABELS if s is not Sort.RELEVANCE or filters.query]
    return [Choice(s.value, str(SORT_LABELS[s]), s is now) for s in offered]


def filter_chips(filters: ModelFilters, sort: Sort | None) -> list[FilterChip]:
    """Every filter in force with the address of the list without it."""
    return [FilterChip(words, list_url(rest, sort)) for words, rest in _in_force(filters)]


def _in_force(filters: ModelFilters) -> Iterator[tuple[str, ModelFilters]]:
    if filters.query:
        yield f"“{filters.query}”", filters.without("query")
    labels = {
        **dict(ModelType.choices),
        **dict(Subject.choices),
        **dict(FileFormat.choices),
        **dict(LicenceName.choices),
        **dict(CommercialUse.choices),
    }
    for column in MULTIPLE.values():
        values: Collection[str] = getattr(filters, column)
        for value in values:
            left: dict[str, Any] = {column: tuple(v for v in values if v != value)}
            yield str(labels.get(value, value)), replace(filters, **left)
    if filters.username:
        yield _("By %(name)s") % {"name": filters.username}, filters.without("username")
    for _name, column, words in SWITCHES:
        if getattr(filters, column):
            yield str(words), filters.without(column)


def _counted(
    facets: Facets, offered: tuple[FacetChoice, ...], chosen: Collection[str]
) -> tuple[Choice, ...]:
    picked = set(chosen)
    choices = [
        Choice(
            choice.value,
            choice.label,
            choice.value in picked,
            count=choice.count,
            is_least=choice.is_least or facets.is_least,
        )
        for choice in offered
    ]
    missing = picked - {choice.value for choice in offered}
    labels = {**dict(ModelType.choices), **dict(Subject.choices)}
    return (
        *choices,
        *(
            Choice(value, str(labels.get(value, value)), is_chosen=True, count=0)
            for value in sorted(missing)
        ),
    )


def _plain(
    name: str, title: str, offered: Iterable[Sequence[Any]], chosen: Collection[str]
) -> FilterGroup:
    """Choices without counts: counting files for each would cost more than it tells."""
    choices = tuple(Choice(str(value), str(label), value in chosen) for value, label in offered)
    return FilterGroup(name, title, choices, is_folded=not chosen)
