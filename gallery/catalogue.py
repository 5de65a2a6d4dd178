"""The picture list as programs ask for it: filters and orders of Civitai's `GET /images`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from gallery.models import Image, ImageResource
from gallery.queries import made_with
from hub.core.errors import Invalid
from hub.core.pagination import encode_cursor, keyset
from models_registry.models.model import Viewer
from models_registry.models.version import ModelVersion

REACTIONS = "Most Reactions"
RANDOM = "Random"
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
    images = _loaded(_narrowed(viewer, filters), viewer)
    if sort == RANDOM:
        return CataloguePage(tuple(images.order_by("?")[:limit]), None)
    if cursor or page is None or page == 1:
        return _by_cursor(images, ORDERS[sort], cursor, limit)
    return _by_number(images, ORDERS[sort], page, limit)


def tied_of(image: Image) -> list[ImageResource]:
    """The resources of a row of `civitai_images` that the viewer may know of."""
    tied: list[ImageResource] = getattr(image, "tied")  # noqa: B009  loaded by Prefetch(to_attr)
    return tied


def _by_cursor(
    images: QuerySet[Image], order: tuple[str, ...], cursor: str | None, limit: int
) -> CataloguePage:
    try:
        found = keyset(images, order=order, cursor=cursor, limit=limit)
    except (ValidationError, ValueError) as error:
        raise Invalid(_("This cursor is not valid. Start again from the first page.")) from error
    return CataloguePage(found.items, found.next_cursor)


def _by_number(
    images: QuerySet[Image], order: tuple[str, ...], page: int, limit: int
) -> CataloguePage:
    start = (page - 1) * limit
    rows = list(images.order_by(*order)[start : start + limit + 1])
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
        "owner__username__iexact": filters.username or None,
        "base_model__name__in": filters.base_models or None,
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


def _loaded(images: QuerySet[Image], viewer: Viewer) -> QuerySet[Image]:
    visible = ModelVersion.objects.visible_to(viewer)
    tied = ImageResource.objects.filter(version__in=visible).order_by("position")
    return (
        images.select_related("blob", "owner", "base_model", "generation")
        .defer("generation__text", "generation__data")
        .prefetch_related(Prefetch("resources", tied, to_attr="tied"))
    )
