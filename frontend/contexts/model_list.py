"""The model list, from the queries to what its template prints."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from frontend.contexts.components import ModelCard, Picture
from frontend.contexts.lists import Choice, FilterChip, with_query
from frontend.templatetags.words import decimal
from hub.core.visibility import Visibility
from hub.storage.pictures import picture_url
from models_registry.filters import ModelFilters, Scope, Sort
from models_registry.models.cover import VersionCover
from models_registry.models.model import PUBLIC_STATES, Model, ModelType, Subject, Viewer
from models_registry.queries import (
    DEFAULT_LIMIT,
    FacetChoice,
    Facets,
    chosen_sort,
    facet_counts,
    model_list,
)

COVER_WIDTHS = (320, 450, 800)
CARD_SIZES = "(max-width: 560px) 50vw, (max-width: 1180px) 33vw, 260px"

SORT_LABELS = {
    Sort.RELEVANCE: gettext_lazy("Best match"),
    Sort.NEWEST: gettext_lazy("Newest"),
    Sort.DOWNLOADS: gettext_lazy("Most downloaded"),
    Sort.RATING: gettext_lazy("Highest rated"),
    Sort.IMAGES: gettext_lazy("Most images"),
}
SCOPE_LABELS = {
    Scope.EVERYONE: gettext_lazy("Everyone"),
    Scope.TEAM: gettext_lazy("My team"),
    Scope.MINE: gettext_lazy("Mine"),
    Scope.SAVED: gettext_lazy("Saved"),
}


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """One fieldset of the filter rail."""

    name: str
    title: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class ModelListContext:
    """`/models/`: one page of cards and the state of its filters."""

    cards: list[ModelCard]
    filters: ModelFilters
    next_url: str = ""
    total: int = 0
    is_empty_hub: bool = False
    groups: list[FacetGroup] = field(default_factory=list)
    scopes: list[Choice] = field(default_factory=list)
    sorts: list[Choice] = field(default_factory=list)
    chips: list[FilterChip] = field(default_factory=list)


def model_list_context(
    *, viewer: Viewer, filters: ModelFilters, sort: Sort | None, cursor: str
) -> ModelListContext:
    """Cards, and for a first page also filters; a later page needs neither counts nor facets."""
    page = model_list(
        viewer=viewer, filters=filters, sort=sort, cursor=cursor or None, limit=DEFAULT_LIMIT
    )
    next_url = ""
    if page.next_cursor:
        query = list_query(filters, sort)
        next_url = f"{reverse('models')}?{query}{'&' if query else ''}cursor={page.next_cursor}"
    cards = [model_card_of(model, viewer) for model in page.items]
    if cursor:
        return ModelListContext(cards=cards, filters=filters, next_url=next_url)
    facets = facet_counts(viewer=viewer, filters=filters)
    plain = filters == ModelFilters(team=filters.team)
    return ModelListContext(
        cards=cards,
        filters=filters,
        next_url=next_url,
        total=facets.total,
        is_empty_hub=plain and not facets.total,
        groups=_groups(facets, filters),
        scopes=_scopes(viewer, filters, sort),
        sorts=_sorts(filters, sort),
        chips=_chips(filters, sort),
    )


def list_query(filters: ModelFilters, sort: Sort | None) -> str:
    """The query string of a list, without what is the default."""
    query = QueryDict(mutable=True)
    pairs = {
        "q": filters.query,
        "scope": "" if filters.scope is Scope.EVERYONE else filters.scope.value,
        "by": filters.username,
        "verified": "1" if filters.verified else "",
        "trained": "1" if filters.trained_here else "",
        "sort": sort.value if sort else "",
    }
    for name, values in _multiple(filters).items():
        query.setlist(name, list(values))
    for name, value in pairs.items():
        if value:
            query[name] = value
    return query.urlencode()


def list_url(filters: ModelFilters, sort: Sort | None) -> str:
    """Address of the list with these filters."""
    return with_query(reverse("models"), list_query(filters, sort))


def model_card_of(model: Model, viewer: Viewer) -> ModelCard:
    """One model as a card; needs the prefetches of `with_card_facts`."""
    version = model.latest_version
    covers = list(version.covers.all()) if version else []
    words = version.trained_words if version else []
    base = version.base_model if version else None
    return ModelCard(
        url=reverse("model", args=[model.slug]),
        title=model.name,
        type_label=model.get_type_display(),
        base_model=base.name if base else "",
        author_name=model.owner.public_name,
        download_count=model.download_count,
        rating=model.rating,
        trigger_word=words[0] if words else "",
        weight=decimal(version.weight_default) if version else "",
        cover=cover_picture(covers[0], model, alt=model.name) if covers else None,
        save_url=reverse("model_save", args=[model.slug]) if viewer.is_authenticated else "",
        is_saved=getattr(model, "is_saved", False),
    )


def cover_picture(
    cover: VersionCover, model: Model, *, alt: str, sizes: str = CARD_SIZES, width: int = 450
) -> Picture:
    """A cover with renditions for several screens."""
    public = model.visibility == Visibility.PUBLIC and model.status in PUBLIC_STATES
    steps = [step for step in COVER_WIDTHS if step < cover.width] or [COVER_WIDTHS[0]]
    urls = (f"{picture_url(cover.blob, step, public=public)} {step}w" for step in steps)
    return Picture(
        src=picture_url(cover.blob, width, public=public),
        srcset=", ".join(urls),
        sizes=sizes,
        width=cover.width,
        height=cover.height,
        alt=alt,
        placeholder=cover.placeholder,
        average_colour=cover.average_colour,
    )


def _groups(facets: Facets, filters: ModelFilters) -> list[FacetGroup]:
    files = [
        Choice("verified", _("Verified files"), filters.verified, count=facets.verified),
        Choice("trained", _("Trained here"), filters.trained_here, count=facets.trained_here),
    ]
    groups = [
        FacetGroup("type", _("Type"), _choices(facets.types, filters.types)),
        FacetGroup("base", _("Base model"), _choices(facets.base_models, filters.base_models)),
        FacetGroup("subject", _("Subject"), _choices(facets.subjects, filters.subjects)),
        FacetGroup("", _("Files"), files),
    ]
    return [group for group in groups if group.choices]


def _choices(offered: tuple[FacetChoice, ...], chosen: object) -> list[Choice]:
    picked = set(chosen)  # type: ignore[call-overload]
    choices = [Choice(c.value, c.label, c.value in picked, count=c.count) for c in offered]
    missing = picked - {choice.value for choice in offered}
    labels = {**dict(ModelType.choices), **dict(Subject.choices)}
    return choices + [Choice(v, str(labels.get(v, v)), True, count=0) for v in sorted(missing)]  # noqa: FBT003


def _scopes(viewer: Viewer, filters: ModelFilters, sort: Sort | None) -> list[Choice]:
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


def _sorts(filters: ModelFilters, sort: Sort | None) -> list[Choice]:
    now = chosen_sort(filters, sort)
    offered = [s for s in SORT_LABELS if s is not Sort.RELEVANCE or filters.query]
    return [Choice(s.value, str(SORT_LABELS[s]), s is now) for s in offered]


def _chips(filters: ModelFilters, sort: Sort | None) -> list[FilterChip]:
    labels = {**dict(ModelType.choices), **dict(Subject.choices)}
    chips = []
    if filters.query:
        chips.append(FilterChip(f"“{filters.query}”", list_url(filters.without("query"), sort)))
    for name, column in (
        ("types", filters.types),
        ("base_models", filters.base_models),
        ("subjects", filters.subjects),
        ("tags", filters.tags),
    ):
        for value in column:
            left: dict[str, Any] = {name: tuple(v for v in column if v != value)}
            rest = replace(filters, **left)
            chips.append(FilterChip(str(labels.get(value, value)), list_url(rest, sort)))
    if filters.username:
        label = _("By %(name)s") % {"name": filters.username}
        chips.append(FilterChip(label, list_url(filters.without("username"), sort)))
    if filters.verified:
        chips.append(FilterChip(_("Verified files"), list_url(filters.without("verified"), sort)))
    if filters.trained_here:
        rest = filters.without("trained_here")
        chips.append(FilterChip(_("Trained here"), list_url(rest, sort)))
    return chips


def _multiple(filters: ModelFilters) -> dict[str, Collection[str]]:
    return {
        "type": filters.types,
        "base": filters.base_models,
        "subject": filters.subjects,
        "tag": filters.tags,
    }
