"""`GET /api/v1/models` and `/models/{id}`."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from hub.api.civitai.base_model_options import asks_for_options, options_refusal
from hub.api.civitai.endpoint import Access, Caller, endpoint
from hub.api.civitai.json_text import JsonText, list_text
from hub.api.civitai.kept_items import ModelTexts
from hub.api.civitai.links import links_for, next_page
from hub.api.civitai.parameters import (
    MAX_ID,
    id_in,
    integer,
    model_filters,
    offers_nothing,
    sort_of,
    truth,
)
from hub.api.civitai.refusals import ErrorShape, ParameterError, failure
from hub.api.civitai.wire import model_item
from hub.core.throttles import TooMany
from models_registry.catalogue import CatalogueList, catalogue_list, catalogue_model
from models_registry.catalogue_rows import Remembered
from models_registry.collection_queries import collection_detail

MAX_LIMIT = 100
MAX_REACH = 1000


@dataclass(frozen=True, slots=True)
class PageWish:
    """Where in the list, and how much: by cursor, or by page where no cursor was sent."""

    limit: int
    cursor: str | None
    page: int | None


@endpoint(access=Access.MIXED, errors=ErrorShape.MESSAGE, validator_errors=True)
def model_list(request: HttpRequest, caller: Caller) -> HttpResponseBase | JsonText:
    """The catalogue by cursor (or, for the first thousand, by page)."""
    if caller.is_anonymous and ("favorites" in request.GET or "hidden" in request.GET):
        return failure("Unauthorized", 401)
    if asks_for_options(request.GET):
        return options_refusal()
    wish = _page_wish(request)
    primary_only = bool(truth(request.GET, "primaryFileOnly"))
    texts = ModelTexts(links_for(request), primary_only=primary_only)
    found = _found(request, caller, wish, texts.remembered)
    return list_text(texts.of(found.items, caller.viewer), _metadata(request, found, wish))


@endpoint()
def model(request: HttpRequest, caller: Caller, model_id: str) -> HttpResponseBase | dict[str, Any]:
    """One model with all its public versions, whatever its level."""
    number = id_in(model_id)
    if not 1 <= number <= MAX_ID:
        return failure("Invalid model id", 400)
    found = catalogue_model(viewer=caller.viewer, model_id=number)
    return model_item(found, links_for(request), in_list=False)


def _page_wish(request: HttpRequest) -> PageWish:
    query = request.GET
    limit = integer(query, "limit", MAX_LIMIT, minimum=0, maximum=MAX_LIMIT) or 0
    page = integer(query, "page", None, minimum=1, maximum=MAX_ID)
    cursor = query.get("cursor") or None
    if page is not None and query.get("query"):
        raise ParameterError("page", "Use cursor-based pagination when searching by query")
    if page is not None and page * limit > MAX_REACH:
        raise TooMany("Requested too deep into the list; use the cursor of nextPage instead")
    return PageWish(limit=limit, cursor=cursor, page=None if cursor else page)


def _found(
    request: HttpRequest, caller: Caller, wish: PageWish, remembered: Remembered
) -> CatalogueList:
    if offers_nothing(request.GET):
        return CatalogueList((), None)
    filters = model_filters(request.GET, now=timezone.now())
    if filters.collection_id is not None:  # one that is not for the caller is not there
        collection_detail(viewer=caller.viewer, collection_id=filters.collection_id)
    return catalogue_list(
        viewer=caller.viewer,
        filters=filters,
        sort=sort_of(request.GET),
        cursor=wish.cursor,
        page=wish.page,
        limit=wish.limit,
        remembered=remembered,
    )


def _metadata(request: HttpRequest, found: CatalogueList, wish: PageWish) -> dict[str, Any]:
    """nextCursor and nextPage, both absent at the end; page lists also say where they are."""
    metadata: dict[str, Any] = {}
    if wish.page is not None:
        metadata |= {"currentPage": wish.page, "pageSize": wish.limit}
    if found.next_cursor is None:
        return metadata
    metadata["nextCursor"] = found.next_cursor
    if wish.page is not None and (wish.page + 1) * wish.limit <= MAX_REACH:
        metadata["nextPage"] = next_page(request, page=wish.page + 1)
    else:
        metadata["nextPage"] = next_page(request, drop=("page",), cursor=found.next_cursor)
    return metadata
