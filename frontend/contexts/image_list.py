"""The list page of the gallery, from the queries to what its template prints."""

from dataclasses import replace

from django.utils.translation import gettext as _

from frontend.contexts.images import (
    SCOPE_LABELS,
    SORT_LABELS,
    ImageListContext,
    chips_of,
    image_card_of,
    list_query,
    list_url,
)
from frontend.contexts.lists import Choice
from gallery.prompt_search import Prompted
from gallery.queries import (
    ImageFilters,
    ImageSort,
    ImageTotal,
    Scope,
    base_models_in_use,
    image_list,
    image_total,
    models_in_use,
)
from models_registry.models.model import Viewer

PAGE_SIZE = 24


def list_context(
    *, viewer: Viewer, filters: ImageFilters, sort: ImageSort, cursor: str
) -> ImageListContext:
    """Cards, and for a first page also filters; a later page needs neither counts nor facets."""
    prompted = Prompted(filters.words)
    page = image_list(
        viewer=viewer,
        filters=filters,
        sort=sort,
        cursor=cursor or None,
        limit=PAGE_SIZE,
        prompted=prompted,
    )
    query = list_query(filters, sort)
    next_url = ""
    if page.next_cursor:
        joint = "&" if query else "?"
        next_url = f"{list_url(filters, sort)}{joint}cursor={page.next_cursor}"
    cards = [image_card_of(image, query) for image in page.items]
    plain = ImageListContext(
        cards=cards, filters=filters, sort=sort, query=query, next_url=next_url
    )
    if cursor:
        return plain
    total = image_total(viewer=viewer, filters=filters, prompted=prompted)
    return _with_facets(plain, viewer, filters, sort, total)


def _with_facets(
    plain: ImageListContext,
    viewer: Viewer,
    filters: ImageFilters,
    sort: ImageSort,
    total: ImageTotal,
) -> ImageListContext:
    models = models_in_use(viewer, chosen=filters.model_id)
    chosen = next((name for pk, name in models if pk == filters.model_id), "")
    counted = f"{total.number:,}"
    return replace(
        plain,
        total=_("%(n)s+") % {"n": counted} if total.is_least else counted,
        is_empty_hub=not total.number and filters == ImageFilters(team_id=filters.team_id),
        sorts=[Choice(s.value, str(SORT_LABELS[s]), s == sort) for s in ImageSort],
        scopes=_scopes(viewer, filters, sort),
        base_models=[
            Choice(name, name, name in filters.base_models)
            for name in _with_chosen(base_models_in_use(viewer), filters.base_models)
        ],
        models=[Choice(str(pk), name, pk == filters.model_id) for pk, name in models],
        chips=chips_of(filters, sort, chosen),
    )


def _scopes(viewer: Viewer, filters: ImageFilters, sort: ImageSort) -> list[Choice]:
    if not viewer.is_authenticated:
        return []
    offered = [s for s in Scope if s != Scope.TEAM or filters.team_id is not None]
    return [
        Choice(
            scope.value,
            str(SCOPE_LABELS[scope]),
            scope == filters.scope,
            list_url(replace(filters, scope=scope), sort),
        )
        for scope in offered
    ]


def _with_chosen(names: list[str], chosen: tuple[str, ...]) -> list[str]:
    return names + [name for name in chosen if name not in names]
