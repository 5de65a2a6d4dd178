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
from hub.api.civitai.endpoint import Access, Caller, endpoint
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
from hub.api.civitai.refusals import ErrorShape, ParameterError
from hub.api.civitai.values import generation_meta, instant
from hub.core.throttles import TooMany
from hub.core.visibility import Visibility
from hub.storage.pictures import picture_url

DEFAULT_LIMIT = 100
MAX_LIMIT = 200
MAX_REACH = 1000
ALL_LEVELS = 31
PG = 1
R_AND_ABOVE = 28
LEVELS = {"none": 1, "soft": 3, "mature": 7, "x": 31}
LEVEL_NAMES = {1: "None", 2: "Soft", 4: "Mature", 8: "X", 16: "X"}


@endpoint(access=Access.MIXED, errors=ErrorShape.CODED, validator_errors=True)
def image_list(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    """Pictures by cursor (or, for the first thousand, by page)."""
    query = request.GET
    limit = integer(query, "limit", DEFAULT_LIMIT, minimum=0, maximum=MAX_LIMIT) or 0
    page = integer(query, "page", None, minimum=1, maximum=MAX_ID)
    if page is not None and page * limit > MAX_REACH:
        raise TooMany("Requested too deep into the list; use the cursor of nextPage instead")
    cursor = query.get("cursor") or None
    found = _found(caller, query, cursor=cursor, page=page, limit=limit)
    links, shape = links_for(request), MetaShape.of(query)
    with_tags = bool(truth(query, "withTags"))
    items = [image_item(image, links, shape, with_tags=with_tags) for image in found.items]
    return {"items": items, "metadata": _metadata(request, found, page, limit, cursor)}


class MetaShape:
    """How `meta` is written: not at all, flat, or nested under the picture's id.

    One picture by its id, and the pictures of a model, come nested; `flatMeta` forces flat.
    """

    def __init__(self, *, shown: bool, nested: bool) -> None:
        self.shown, self.nested = shown, nested

    @classmethod
    def of(cls, query: QueryDict) -> "MetaShape":
        """The shape that a request asks for."""
        by_model = bool(query.get("modelId")) and not query.get("modelVersionId")
        nested = (bool(query.get("imageId")) or by_model) and not truth(query, "flatMeta")
        return cls(shown=bool(truth(query, "withMeta")), nested=nested)

    def write(self, image: Image) -> dict[str, Any] | None:
        """The value of `meta` for one picture."""
        generation = getattr(image, "generation", None)
        meta = generation_meta(generation.copy_text) if self.shown and generation else None
        return {"id": image.pk, "meta": meta} if self.shown and self.nested else meta


def image_item(image: Image, links: Links, shape: MetaShape, *, with_tags: bool) -> dict[str, Any]:
    """One picture; the level is a name here and its number is in `browsingLevel`."""
    public = image.visibility == Visibility.PUBLIC
    item: dict[str, Any] = {
        "id": image.pk,
        "url": links.origin + picture_url(image.blob, public=public, name=str(image.pk)),
        "hash": image.blurhash,
        "width": image.width,
        "height": image.height,
        "nsfwLevel": LEVEL_NAMES[image.nsfw_level],
        "type": "image",
        "nsfw": image.nsfw_level > PG,
        "browsingLevel": image.nsfw_level,
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
        "meta": shape.write(image),
        "username": image.owner.username,
        "baseModel": image.base_model.name if image.base_model else None,
        "modelVersionIds": [resource.version_id for resource in tied_of(image)],
    }
    return item | ({"tags": []} if with_tags else {})


def _found(
    caller: Caller, query: QueryDict, *, cursor: str | None, page: int | None, limit: int
) -> CataloguePage:
    kind = choice(query, "type", ("image", "video", "audio"), "image")
    if kind != "image" or ids(query, "tags"):  # only pictures here, and they carry no tags
        return CataloguePage((), None)
    return civitai_images(
        viewer=caller.viewer,
        filters=_filters(query),
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
        return PG
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
