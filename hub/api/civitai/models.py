"""`GET /api/v1/models` and `/models/{id}`."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase

from hub.api.civitai.endpoint import Access, Caller, ParameterError, endpoint, failure
from hub.api.civitai.links import links_for, next_page
from hub.api.civitai.parameters import MAX_ID, integer, model_filters, sort_of, truth
from hub.api.civitai.wire import model_item
from models_registry.catalogue import CataloguePage, catalogue_model, catalogue_page

MAX_LIMIT = 100
MAX_REACH = 1000


@endpoint(access=Access.MIXED, validator_errors=True)
def model_list(request: HttpRequest, caller: Caller) -> HttpResponseBase | dict[str, Any]:
    """The catalogue by cursor (or, for the first thousand, by page)."""
    query = request.GET
    if caller.is_anonymous and ("favorites" in query or "hidden" in query):
        return failure("Unauthorized", 401)
    limit = integer(query, "limit", MAX_LIMIT, minimum=0, maximum=MAX_LIMIT) or 0
    page = integer(query, "page", None, minimum=1, maximum=MAX_ID)
    cursor = query.get("cursor") or None
    if page is not None and query.get("query"):
        raise ParameterError("page", "Use cursor-based pagination when searching by query")
    if page is not None and page * limit > MAX_REACH:
        return failure("Requested too deep into the list; use the cursor of nextPage instead", 429)
    found = CataloguePage((), None)
    if not truth(query, "hidden"):  # nothing can be hidden here
        found = catalogue_page(
            viewer=caller.viewer,
            filters=model_filters(request, caller),
            sort=sort_of(query),
            cursor=cursor,
            page=None if cursor else page,
            limit=limit,
        )
    links = links_for(request)
    primary_only = bool(truth(query, "primaryFileOnly"))
    items = [
        model_item(model, links, in_list=True, primary_only=primary_only) for model in found.items
    ]
    return {"items": items, "metadata": _metadata(request, found, page, limit, cursor)}


@endpoint()
def model(request: HttpRequest, caller: Caller, model_id: str) -> HttpResponseBase | dict[str, Any]:
    """One model with all its public versions, whatever its level."""
    number = int(model_id) if model_id.isascii() and model_id.isdigit() else 0
    if not 1 <= number <= MAX_ID:
        return failure("Invalid model id", 400)
    found = catalogue_model(viewer=caller.viewer, model_id=number)
    return model_item(found, links_for(request), in_list=False)


def _metadata(
    request: HttpRequest, found: CataloguePage, page: int | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """nextCursor and nextPage, both absent at the end; page lists also say where they are."""
    metadata: dict[str, Any] = {}
    if page is not None and not cursor:
        metadata |= {"currentPage": page, "pageSize": limit}
    if found.next_cursor is None:
        return metadata
    metadata["nextCursor"] = found.next_cursor
    by_page = page is not None and not cursor and (page + 1) * limit <= MAX_REACH
    metadata["nextPage"] = (
        next_page(request, page=page + 1)
        if by_page and page is not None
        else next_page(request, drop=("page",), cursor=found.next_cursor)
    )
    return metadata
