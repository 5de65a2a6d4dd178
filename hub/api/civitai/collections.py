"""`GET /api/v1/collections` and `/collections/{id}`: by cursor only.

The models of one are `GET /models?collectionId=…`, with all of that list's parameters.
"""

from typing import Any

from django.http import HttpRequest

from hub.api.civitai.endpoint import Access, Caller, endpoint
from hub.api.civitai.links import Links, links_for, next_page
from hub.api.civitai.parameters import MAX_ID, id_in, integer
from hub.api.civitai.refusals import ParameterError
from hub.api.civitai.values import instant
from hub.api.civitai.wire_facts import creator
from hub.core.visibility import Visibility
from models_registry.collection_queries import collection_detail
from models_registry.collection_queries import collection_list as found_lists
from models_registry.models.collection import Collection

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


@endpoint(access=Access.MIXED)
def collection_list(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """Collections that the caller may see, last changed first."""
    limit = integer(request.GET, "limit", DEFAULT_LIMIT, minimum=1, maximum=MAX_LIMIT)
    cursor = request.GET.get("cursor") or None
    found = found_lists(
        viewer=caller.viewer,
        query=request.GET.get("query", "").strip(),
        cursor=cursor,
        limit=limit or DEFAULT_LIMIT,
    )
    links = links_for(request)
    metadata: dict[str, Any] = {}
    if found.next_cursor is not None:
        metadata["nextCursor"] = found.next_cursor
        metadata["nextPage"] = next_page(request, cursor=found.next_cursor)
    items = [
        collection_item(row, links) | {"itemCount": getattr(row, "model_count", 0)}
        for row in found.items
    ]
    return {"items": items, "metadata": metadata}


@endpoint(access=Access.MIXED)
def collection(request: HttpRequest, caller: Caller, collection_id: str) -> dict[str, Any]:
    """One collection and where its models are listed."""
    number = id_in(collection_id)
    if not 1 <= number <= MAX_ID:
        raise ParameterError("id", "Invalid id")
    found = collection_detail(viewer=caller.viewer, collection_id=number)
    links = links_for(request)
    models = links.of_search(collectionId=str(number))
    return collection_item(found.collection, links) | {"models": models}


def collection_item(row: Collection, links: Links) -> dict[str, Any]:
    """What a collection is called, whose it is and who sees it."""
    everyone = row.visibility == Visibility.PUBLIC
    return {
        "id": row.pk,
        "name": row.name,
        "description": row.description or None,
        "type": "Model",
        "read": "Public" if everyone else "Private",
        "isPublic": everyone,
        "coverImageUrl": None,
        "user": {"id": row.owner_id, **creator(row.owner, links)},
        "tags": [],
        "createdAt": instant(row.created_at),
        "updatedAt": instant(row.updated_at),
    }
