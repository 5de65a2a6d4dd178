"""The picture list as programs ask for it: filters and orders of Civitai's `GET /images`."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.core.exceptions import ValidationError
from django.db.models import Max, Min, Q, QuerySet
from django.utils.translation import gettext as _

from gallery.models import Image, ImageResource
from gallery.queries import made_with
from hub.accounts.kept_queries import RowsForViewer
from hub.accounts.queries import keys_of_username
from hub.core.errors import Invalid
from hub.core.kept_queries import KeptRows, attach_rows
from hub.core.lookups import among, keys_of
from hub.core.pagination import Load, encode_cursor, keyset, rows_of_slice
from models_registry.key_lookup import keys_of_bases
from models_registry.models.model import Viewer
from models_registry.models.version import ModelVersion

REACTIONS = "Most Reactions"
RANDOM = "Random"
DRAWN_KEYS = 2_000
#: Keys looked up first for each picture that is asked for; the others only where these do not do.
DRAWN_FOR_EACH = 8
#: Pictures of a span of time that are taken by their keys; more are found in the list soon enough.
FEW_RECENT = 8_000
# Pictures are not collected here, so that order falls back to the nearest sign of liking.
ORDERS: Mapping[str, tuple[str, str]] = {
    REACTIONS: ("-reaction_count", "-id"),
    "Most Comments": ("-comment_count", "-id"),
    "Most Collected": ("-reaction_count", "-id"),
    "Newest": ("-published_at", "-id"),
    "Oldest": ("published_at", "id"),
}


@dataclass(frozen=True)
class CatalogueFilters:
    """What the list is narrowed to; `levels` are the rating bits that are wanted."""

    image_id: int | None = None
    post_id: int | None = None
    model_id: int | None = None
    version_id: int | None = None
    username: str = ""
    user_id: int | None = None
    base_models: tuple[str, ...] = ()
    published_since: datetime | None = None
    levels: int | None = None
    with_meta_only: bool = False


@dataclass(frozen=True)
class CataloguePage:
    """Pictures with `tied` resources loaded, and the cursor of the next page, None at the end."""

    items: tuple[Image, ...]
    next_cursor: str | None


def civitai_images(
    *,
    viewer: Viewer,
    filters: CatalogueFilters,
    sort: str = REACTIONS,
    cursor: str | None = None,
    page: int | None = None,
    limit: int = 100,
) -> CataloguePage:
    """One page by cursor or by number; random pictures have no next page.

    Every row comes with blob, owner, base model, generation data, and in `tied` the resources
    whose versions the viewer may see. Raises Invalid for a cursor of another list.
    """
    if limit == 0:
        return CataloguePage((), None)
    images, load = _narrowed(viewer, filters), partial(_rows_for, viewer)
    if sort == RANDOM:
        return CataloguePage(_random(images, limit, load), None)
    if filters.published_since is not None and "published_at" not in ORDERS[sort][0]:
        images = _by_time(images)
    if cursor or page is None or page == 1:
        return _by_cursor(images, ORDERS[sort], cursor, limit, load)
    return _by_number(images, ORDERS[sort], page, limit, load)


def tied_of(image: Image) -> list[ImageResource]:
    """The resources of a row of `civitai_images`: those that its viewer may know of."""
    return list(image.resources.all())


def _random(images: QuerySet[Image], limit: int, load: Load[Image]) -> tuple[Image, ...]:
    """Some of the pictures in no order, without giving each of them a number and sorting them all.

    Keys are drawn until enough of them are pictures of this list; of a short list, or one that few
    keys lead into, from the newest ones.
    """
    ends = Image.objects.aggregate(first=Min("pk"), last=Max("pk"))
    span = range(ends["first"] or 0, (ends["last"] or 0) + 1)
    drawn, first = random.sample(span, min(len(span), DRAWN_KEYS)), DRAWN_FOR_EACH * limit
    keys: list[int] = []
    for part in (drawn[:first], drawn[first:]):
        if part and len(keys) < limit:
            keys += images.filter(among("pk", part)).order_by().values_list("pk", flat=True)
    if len(keys) < limit:
        newest = images.order_by(*ORDERS["Newest"]).values_list("pk", flat=True)
        keys = list(newest[:DRAWN_KEYS])
    chosen = random.sample(keys, min(limit, len(keys)))
    found = list(load(chosen))
    random.shuffle(found)
    return tuple(found)


def _by_time(images: QuerySet[Image]) -> QuerySet[Image]:
    """The same pictures by their keys, where they are few.

    In the order of another column, PostgreSQL would try the pictures of all years for them.
    """
    keys = keys_of(images.order_by(*ORDERS["Newest"])[: FEW_RECENT + 1])
    return Image.objects.filter(among("pk", keys)) if len(keys) <= FEW_RECENT else images


def _by_cursor(
    images: QuerySet[Image],
    order: tuple[str, ...],
    cursor: str | None,
    limit: int,
    load: Load[Image],
) -> CataloguePage:
    try:
        found = keyset(images, order=order, cursor=cursor, limit=limit, load=load)
    except (ValidationError, ValueError) as error:
        raise Invalid(_("This cursor is not valid. Start again from the first page.")) from error
    return CataloguePage(found.items, found.next_cursor)


def _by_number(
    images: QuerySet[Image], order: tuple[str, ...], page: int, limit: int, load: Load[Image]
) -> CataloguePage:
    start = (page - 1) * limit
    ordered = images.order_by(*order)
    rows = rows_of_slice(ordered, ordered, start=start, stop=start + limit + 1, load=load)
    if len(rows) <= limit:
        return CataloguePage(tuple(rows), None)
    last = rows[limit - 1]
    cursor = encode_cursor([getattr(last, name.lstrip("-")) for name in order])
    return CataloguePage(tuple(rows[:limit]), cursor)


def _narrowed(viewer: Viewer, filters: CatalogueFilters) -> QuerySet[Image]:
    equal = {
        "pk": filters.image_id,
        "post_id": filters.post_id,
        "owner_id": filters.user_id,
        "owner_id__in": keys_of_username(filters.username) if filters.username else None,
        "base_model__in": keys_of_bases(filters.base_models) if filters.base_models else None,
        "published_at__gte": filters.published_since,
        "has_generation_data": filters.with_meta_only or None,
    }
    wanted = Q(**{name: value for name, value in equal.items() if value is not None})
    if filters.model_id is not None:
        wanted &= Q(made_with(viewer, model_id=filters.model_id))
    if filters.version_id is not None:
        wanted &= Q(made_with(viewer, pk=filters.version_id))
    if filters.levels is not None:
        wanted &= Q(nsfw_level__in=[1 << bit for bit in range(5) if filters.levels >> bit & 1])
    return Image.objects.visible_to(viewer).ready().filter(wanted, hidden_at=None)


def _rows_for(viewer: Viewer, keys: list[int]) -> list[Image]:
    """Pictures of the list with everything that its answer prints."""
    images = _rows(keys)
    attach_rows(images, "resources", _resources(viewer, keys) if images else ())
    return images


_rows = KeptRows(
    lambda keys: (
        Image.objects.filter(among("pk", keys))
        .select_related("blob", "owner", "base_model", "generation")
        .defer("generation__text", "generation__data")
    )
)
_resources = RowsForViewer(
    lambda viewer, keys: ImageResource.objects.filter(
        among("image", keys), version__in=ModelVersion.objects.visible_to(viewer)
    ).order_by("position")
)
