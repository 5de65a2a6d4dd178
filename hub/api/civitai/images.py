"""`GET /api/v1/images`: pictures with their generation data, as Civitai's clients ask for them."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from gallery.catalogue import (
    ORDERS,
    RANDOM,
    REACTIONS,
    CatalogueFilters,
    CataloguePage,
    civitai_images,
    tied_of,
)
from gallery.models import Image
from hub.api.civitai.cover_images import cover_items
from hub.api.civitai.endpoint import Access, Caller, endpoint
from hub.api.civitai.image_shape import MetaShape, level_facts
from hub.api.civitai.links import Links, links_for, next_page
from hub.api.civitai.parameters import (
    FALSE,
    MAX_ID,
    PERIOD_DAYS,
    TRUE,
    choice,
    ids,
    integer,
    listed,
    truth,
)
from hub.api.civitai.picture_ids import cover_id_of
from hub.api.civitai.refusals import ErrorShape, ParameterError
from hub.api.civitai.values import instant
from hub.core.throttles import TooMany
from hub.storage.pictures import picture_url

DEFAULT_LIMIT = 100
MAX_LIMIT = 200
MAX_REACH = 1000
ALL_LEVELS = 31
R_AND_ABOVE = 28
LEVELS = {"none": 1, "soft": 3, "mature": 7, "x": 31}


@endpoint(access=Access.MIXED, errors=ErrorShape.CODED, validator_errors=True)
def image_list(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """Pictures by cursor (or, for the first thousand, by page)."""
    query = request.GET
    limit = integer(query, "limit", DEFAULT_LIMIT, minimum=0, maximum=MAX_LIMIT) or 0
    page = integer(query, "page", None, minimum=1, maximum=MAX_ID)
    links = links_for(request)
    if page is not None and page * limit > MAX_REACH:
        raise TooMany("Requested too deep into the list; use the cursor of nextPage instead")
    cursor = query.get("cursor") or None
    filters = _filters(query)
    cover_id = cover_id_of(filters.image_id) if filters.image_id else None
    if cover_id is not None:
        return {"items": cover_items(caller, cover_id, filters, links, query), "metadata": {}}
    found = _found(caller, query, filters, cursor=cursor, page=page, limit=limit)
    shape, with_tags = MetaShape.of(query), bool(truth(query, "withTags"))
    items = [image_item(image, links, shape, with_tags=with_tags) for image in found.items]
    return {"items": items, "metadata": _metadata(request, found, page, limit, cursor)}


def image_item(image: Image, links: Links, shape: MetaShape, *, with_tags: bool) -> dict[str, Any]:
    """One picture of the gallery."""
    generation = getattr(image, "generation", None)
    public = image.is_for_everyone
    item: dict[str, Any] = {
        "id": image.pk,
        "url": links.origin + picture_url(image.blob, public=public, name=str(image.pk)),
        "hash": image.blurhash,
        "width": image.width,
        "height": image.height,
        **level_facts(image.nsfw_level),
        "createdAt": instant(image.published_at),
        "postId": image.post_id,
        "stats": {
            "cryCount": image.cry_count,
            "laughCount": image.laugh_count,
            "likeCount": image.like_count,
            "dislikeCount": image.dislike_count,
            "heartCount": image.heart_count,
            "commentCount": image.comment_count,
        },
        "meta": shape.write(image.pk, generation.copy_text if generation else ""),
        "username": image.owner.username,
        "baseModel": image.base_model.name if image.base_model else None,
        "modelVersionIds": [resource.version_id for resource in tied_of(image)],
    }
    return item | ({"tags": []} if with_tags else {})


def _found(
    caller: Caller,
    query: QueryDict,
    filters: CatalogueFilters,
    *,
    cursor: str | None,
    page: int | None,
    limit: int,
) -> CataloguePage:
    kind = choice(query, "type", ("image", "video", "audio"), "image")
    if kind != "image" or ids(query, "tags"):  # only pictures here, and they carry no tags
        return CataloguePage((), None)
    return civitai_images(
        viewer=caller.viewer,
        filters=filters,
        sort=choice(query, "sort", (*ORDERS, RANDOM), REACTIONS),
        cursor=cursor,
        page=None if cursor else page,
        limit=limit,
    )


def _filters(query: QueryDict) -> CatalogueFilters:
    def number(name: str) -> int | None:
        return integer(query, name, None, minimum=1, maximum=MAX_ID)

    days = PERIOD_DAYS[choice(query, "period", tuple(PERIOD_DAYS), "AllTime")]
    return CatalogueFilters(
        image_id=number("imageId"),
        post_id=number("postId"),
        model_id=number("modelId"),
        version_id=number("modelVersionId"),
        username=query.get("username", "").strip(),
        user_id=number("userId"),
        base_models=tuple(listed(query, "baseModels", "baseModel")),
        published_since=timezone.now() - timedelta(days=days) if days is not None else None,
        levels=_levels(query),
        with_meta_only=bool(truth(query, "requiringMeta")),
    )


def _levels(query: QueryDict) -> int | None:
    """Wanted rating bits: `browsingLevel` wins; `nsfw` is a level, or true for R and above only."""
    wanted = integer(query, "browsingLevel", None, minimum=0, maximum=63)
    if wanted is not None:
        return wanted & ALL_LEVELS
    word = query.get("nsfw", "").strip().lower()
    if not word:
        return None
    if word in LEVELS:
        return LEVELS[word]
    if word in TRUE:
        return R_AND_ABOVE
    if word in FALSE:
        return 1
    raise ParameterError("nsfw", "Expected None, Soft, Mature, X, true or false")


def _metadata(
    request: HttpRequest, found: CataloguePage, page: int | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """nextCursor and nextPage, both absent at the end; page lists also say where they are."""
    metadata: dict[str, Any] = {}
    if page is not None and not cursor:
        metadata |= {"currentPage": page, "pageSize": limit}
    if found.next_cursor is not None:
        metadata["nextCursor"] = found.next_cursor
        metadata["nextPage"] = next_page(request, drop=("page",), cursor=found.next_cursor)
    return metadata
