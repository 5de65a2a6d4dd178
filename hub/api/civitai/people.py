"""`/creators`, `/tags`, `/users`, `/me` and `/enums`."""

from typing import Any

from django.http import HttpRequest

from hub.accounts.models import User
from hub.api.civitai.endpoint import Access, Caller, endpoint
from hub.api.civitai.links import Links, links_for, next_page
from hub.api.civitai.parameters import MAX_ID, ids, integer
from hub.api.civitai.refusals import ErrorShape
from models_registry.catalogue import CountedPage, creators, model_tags, people
from models_registry.models.base_model import BaseModelType
from models_registry.models.file import FileKind
from models_registry.models.model import ModelType
from models_registry.queries import base_models

DEFAULT_LIMIT = 20
MAX_LIMIT = 200


@endpoint(errors=ErrorShape.MESSAGE)
def creator_list(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """People with public models."""
    page, limit = _page(request)
    found = creators(
        viewer=caller.viewer, query=request.GET.get("query", ""), page=page, limit=limit
    )
    links = links_for(request)
    items = [_creator(person, links) for person in found.items]
    return {"items": items, "metadata": _counted(request, found, page, limit)}


@endpoint(errors=ErrorShape.MESSAGE)
def tag_list(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """Tags of public models."""
    page, limit = _page(request)
    found = model_tags(
        viewer=caller.viewer, query=request.GET.get("query", ""), page=page, limit=limit
    )
    links = links_for(request)
    items = [{"name": str(tag), "link": links.of_search(tag=str(tag))} for tag in found.items]
    return {"items": items, "metadata": _counted(request, found, page, limit)}


@endpoint(errors=ErrorShape.CODED)
def user_list(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """People by id or by a part of their name."""
    wanted, query = ids(request.GET, "ids"), request.GET.get("query", "").strip()
    limit = integer(request.GET, "limit", DEFAULT_LIMIT, minimum=1, maximum=MAX_LIMIT)
    rows = people(ids=wanted, query=query, limit=limit or DEFAULT_LIMIT)
    return {"items": [{"id": row.pk, "username": row.username} for row in rows]}


@endpoint(access=Access.AUTHED)
def me(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """Whose key this is."""
    person = caller.viewer
    return {
        "id": person.pk,
        "username": person.username,
        "tier": "free",
        "status": "active",
        "isMember": False,
        "subscriptions": [],
    }


@endpoint()
def enums(request: HttpRequest, caller: Caller) -> dict[str, list[str]]:
    """The words that clients offer in their menus; base models come from the table."""
    rows = list(base_models(active_only=False))
    return {
        "ModelType": list(ModelType.values),
        "ModelFileType": list(FileKind.values),
        "ActiveBaseModel": [row.name for row in rows if row.is_active],
        "BaseModel": [row.name for row in rows],
        "BaseModelType": list(BaseModelType.values),
    }


def _page(request: HttpRequest) -> tuple[int, int]:
    page = integer(request.GET, "page", 1, minimum=1, maximum=MAX_ID // MAX_LIMIT)
    limit = integer(request.GET, "limit", DEFAULT_LIMIT, minimum=0, maximum=MAX_LIMIT)
    # Clients send 0 for "as many as you give".
    return page or 1, limit or MAX_LIMIT


def _counted(
    request: HttpRequest, found: CountedPage[Any], page: int, limit: int
) -> dict[str, Any]:
    pages = -(-found.total_items // limit)
    metadata: dict[str, Any] = {
        "totalItems": found.total_items,
        "currentPage": page,
        "pageSize": limit,
        "totalPages": pages,
    }
    if page < pages:
        metadata["nextPage"] = next_page(request, page=page + 1)
    if page > 1:
        metadata["prevPage"] = next_page(request, page=page - 1)
    return metadata


def _creator(person: User, links: Links) -> dict[str, Any]:
    item: dict[str, Any] = {"username": person.username}
    if count := getattr(person, "model_count", 0):
        item["modelCount"] = count
    return item | {
        "link": links.of_search(username=person.username),
        "image": links.of_avatar(person.avatar),
    }
