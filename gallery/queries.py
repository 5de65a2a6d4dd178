"""Reads of the gallery for pages and API: lists by keyset, one picture with all that is its."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, Func, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from gallery.models import Image, ImageResource
from gallery.prompt_search import Prompted
from hub.accounts.kept_queries import RowsForViewer
from hub.accounts.queries import keys_of_usernames
from hub.core.errors import Invalid, NotFound
from hub.core.kept_queries import KeptRows, attach_rows
from hub.core.lookups import among, keys_of
from hub.core.pagination import Page, behind, behind_cursor, keyset, sliced
from models_registry.engagement_queries import hidden_version_ids
from models_registry.key_lookup import LookedUp, keys_of_bases
from models_registry.models.base_model import BaseModel
from models_registry.models.model import ONLY_ASKED, Model, Viewer
from models_registry.models.version import ModelVersion

#: Words that more of the newest pictures have than FEW_HITS are counted among these alone.
COUNT_CEILING, WORD_CEILING, FEW_HITS = 1_000, 100, 24
MANY_IMAGES, FEW_IMAGES = 10_000, 500


class ImageSort(StrEnum):
    """Orders of a picture list; the values stand in the URL."""

    NEWEST = "newest"
    OLDEST = "oldest"
    MOST_REACTIONS = "most-reactions"
    MOST_COMMENTS = "most-comments"


ORDERS: dict[ImageSort, tuple[str, str]] = {
    ImageSort.NEWEST: ("-published_at", "-id"),
    ImageSort.OLDEST: ("published_at", "id"),
    ImageSort.MOST_REACTIONS: ("-reaction_count", "-id"),
    ImageSort.MOST_COMMENTS: ("-comment_count", "-id"),
}


class Scope(StrEnum):
    """Whose pictures a list shows."""

    EVERYONE = "everyone"
    TEAM = "team"
    MINE = "mine"


@dataclass(frozen=True)
class ImageFilters:
    """What a picture list is narrowed to; the empty value of each field means: not narrowed."""

    model_id: int | None = None
    version_id: int | None = None
    base_models: tuple[str, ...] = ()
    author: str = ""
    post_id: int | None = None
    with_prompt: bool = False
    words: str = ""
    scope: Scope = Scope.EVERYONE
    team_id: int | None = None
    #: Shared with copies: a page and its count ask once what the filters stand for.
    looked_up: LookedUp = field(default_factory=LookedUp, compare=False, repr=False)


@dataclass(frozen=True)
class Neighbours:
    """Ids of the pictures before and after one in a list; None at its ends."""

    previous_id: int | None
    next_id: int | None


def image_list(
    *,
    viewer: Viewer,
    filters: ImageFilters,
    sort: ImageSort = ImageSort.NEWEST,
    cursor: str | None = None,
    limit: int = 24,
    prompted: Prompted | None = None,
) -> Page[Image]:
    """One page of pictures with owner, blob and prompt loaded; a foreign cursor raises Invalid.

    `prompted`, where the caller has it, is for the words of the filters.
    """
    order = ORDERS[sort]
    try:
        images = _next_ones(viewer, filters, prompted, order, cursor, limit)
        return keyset(images, order=order, cursor=cursor, limit=limit, load=_card_rows)
    except (ValidationError, ValueError) as error:
        raise Invalid(_("This cursor is not valid. Start again from the first page.")) from error


def _next_ones(
    viewer: Viewer,
    filters: ImageFilters,
    prompted: Prompted | None,
    order: tuple[str, ...],
    cursor: str | None,
    limit: int,
) -> QuerySet[Image]:
    """The pictures of the list or, where words choose them, perhaps only those of this page."""
    if not filters.words.strip():
        return _narrowed(viewer, filters)
    prompted = prompted or Prompted(filters.words)
    others = _narrowed(viewer, replace(filters, words=""))
    ordered = behind_cursor(others.order_by(*order), order, cursor)
    near = prompted.next_of(ordered, enough=limit)
    is_enough = near.is_all or len(near.keys) > limit
    return others.filter(among("pk", near.keys) if is_enough else prompted.condition())


@dataclass(frozen=True)
class ImageTotal:
    """How many pictures a list holds, or that it holds more than `number`."""

    number: int
    is_least: bool = False


def image_total(
    *, viewer: Viewer, filters: ImageFilters, prompted: Prompted | None = None
) -> ImageTotal:
    """Counted up to COUNT_CEILING, of common words of prompts up to WORD_CEILING."""
    # In an order that an index has: without one the table would be read to find the first ones.
    newest = ORDERS[ImageSort.NEWEST]
    if filters.words.strip():
        prompted = prompted or Prompted(filters.words)
        others = _narrowed(viewer, replace(filters, words=""))
        near = prompted.next_of(others.order_by(*newest), enough=FEW_HITS)
        if near.is_all:
            return ImageTotal(len(near.keys))
        if len(near.keys) > FEW_HITS:
            return ImageTotal(min(len(near.keys), WORD_CEILING), is_least=True)
        if not prompted.is_complete:
            some = others.filter(among("pk", prompted.keys)).order_by().count()
            if some > WORD_CEILING:
                return ImageTotal(min(some, COUNT_CEILING), is_least=True)
    if _has_very_many(viewer, filters, prompted):
        return ImageTotal(COUNT_CEILING, is_least=True)
    images = _narrowed(viewer, filters, prompted)
    # Of pictures taken by their keys, the first thousand in whatever order are enough.
    by_key = filters.model_id is not None or filters.version_id is not None
    images = images.order_by() if by_key else images.order_by(*newest)
    count = images[: COUNT_CEILING + 1].count()
    return ImageTotal(min(count, COUNT_CEILING), is_least=count > COUNT_CEILING)


def image_detail(viewer: Viewer, image_id: int) -> Image:
    """One picture with owner, post, generation data and resources; NotFound when not visible.

    Versions of the resources are not loaded: not everyone may see them, `known_versions` tells.
    """
    found = _one_image(viewer, image_id)
    if not found:
        raise NotFound(_("There is no such picture, or it is not shared with you."))
    attach_rows(found, "resources", _resources_of([image_id]))
    return found[0]


def known_versions(viewer: Viewer, version_ids: set[int]) -> dict[int, ModelVersion]:
    """Those of the model versions that the viewer may see, with their models, by id."""
    if not version_ids:
        return {}
    return {version.pk: version for version in _versions_with_models(viewer, version_ids)}


def neighbours(
    *, viewer: Viewer, filters: ImageFilters, sort: ImageSort, image: Image
) -> Neighbours:
    """The pictures before and after `image` in the list that the filters and the sort give."""
    others = _narrowed(viewer, replace(filters, words="")).exclude(pk=image.pk)
    prompted = Prompted(filters.words) if filters.words.strip() else None
    order = ORDERS[sort]
    backwards = tuple(name[1:] if name.startswith("-") else f"-{name}" for name in order)
    return Neighbours(
        previous_id=_first_beyond(others, backwards, image, prompted),
        next_id=_first_beyond(others, order, image, prompted),
    )


def images_of_version(
    viewer: Viewer, version: ModelVersion, *, limit: int = 24
) -> tuple[Image, ...]:
    """The newest pictures made with a model version."""
    keys = [key for (key,) in _pictures_of_version(viewer, version.pk)]
    if not keys:
        return ()
    if len(keys) <= FEW_IMAGES:
        return tuple(_newest(limit)(viewer, keys))
    filters = ImageFilters(version_id=version.pk)
    return image_list(viewer=viewer, filters=filters, limit=limit).items


def reactions_of(viewer: Viewer, image: Image) -> set[str]:
    """The kinds of reaction that this person gave the picture."""
    if not viewer.is_authenticated:
        return set()
    return set(image.reactions.filter(user_id=viewer.pk).values_list("kind", flat=True))


def base_models_in_use(viewer: Viewer) -> list[str]:
    """Names of the base models that visible pictures were made with, for the filter."""
    return [name for (name,) in _bases_in_use(viewer)]


def models_in_use(
    viewer: Viewer, *, chosen: int | None = None, limit: int = 30
) -> list[tuple[int, str]]:
    """Ids and names of the models with most pictures, and of the chosen one, for the filter."""
    visible = Model.objects.visible_to(viewer)
    most = visible.filter(image_count__gt=0).order_by("-image_count", "-id")
    found = list(most.values_list("pk", "name")[:limit])
    if chosen is not None and all(pk != chosen for pk, _name in found):
        found += visible.filter(pk=chosen).values_list("pk", "name")
    return found


def without(filters: ImageFilters, field: str, value: str = "") -> ImageFilters:
    """The same filters with one of them taken away; used by the removable chips."""
    if field == "base_models":
        return replace(filters, base_models=tuple(b for b in filters.base_models if b != value))
    return replace(filters, **{field: getattr(ImageFilters(), field)})


def _narrowed(
    viewer: Viewer, filters: ImageFilters, prompted: Prompted | None = None
) -> QuerySet[Image]:
    images = Image.objects.visible_to(viewer)
    if filters.model_id is not None:
        images = images.filter(_made_once(viewer, filters, model_id=filters.model_id))
    if filters.version_id is not None:
        images = images.filter(_made_once(viewer, filters, pk=filters.version_id))
    if filters.base_models:
        bases = filters.looked_up.keys(keys_of_bases, filters.base_models)
        images = images.filter(base_model__in=bases)
    if filters.author:
        owners = filters.looked_up.keys(keys_of_usernames, [filters.author])
        images = images.filter(owner_id__in=owners)
    if filters.post_id is not None:
        images = images.filter(post_id=filters.post_id)
    if filters.with_prompt:
        images = images.filter(has_generation_data=True)
    if filters.words.strip():
        images = images.filter((prompted or Prompted(filters.words)).condition())
    return images.filter(_in_scope(viewer, filters), *_not_hidden(viewer, filters))


def _not_hidden(viewer: Viewer, filters: ImageFilters) -> list[Q]:
    """Without pictures of models that the viewer hides, unless a model, post or person is named.

    Whoever hides nothing, which is nearly everyone, has the list without any condition.
    """
    named = (filters.model_id, filters.version_id, filters.post_id, filters.author or None)
    if filters.scope != Scope.EVERYONE or any(name is not None for name in named):
        return []
    hidden = hidden_version_ids(viewer)
    made = ImageResource.objects.filter(image=OuterRef("pk"), version_id__in=hidden)
    return [~Q(Exists(made))] if hidden else []


def _in_scope(viewer: Viewer, filters: ImageFilters) -> Q:
    if filters.scope == Scope.MINE:
        return Q(owner_id=viewer.pk) if viewer.pk else Q(pk__in=[])
    if filters.scope == Scope.TEAM:
        return Q(team_id=filters.team_id) if filters.team_id else Q(pk__in=[])
    return Q()


def made_with(viewer: Viewer, **which: int) -> Func | Exists:
    """Made with these versions, as far as the viewer may know of them.

    Without that a list would tell which pictures were made with somebody's private model.
    """
    return _images_of(_made(viewer, **which))


def _made_once(viewer: Viewer, filters: ImageFilters, **which: int) -> Func | Exists:
    asked = ("made with", viewer.pk, *which.items())
    found: Func | Exists = filters.looked_up.once(asked, lambda: made_with(viewer, **which))
    return found


def _made(viewer: Viewer, **which: int) -> QuerySet[ImageResource]:
    known = ModelVersion.objects.reachable_by(viewer).filter(**which).values_list("pk", flat=True)
    return ImageResource.objects.filter(version_id__in=list(known))


def _has_very_many(viewer: Viewer, filters: ImageFilters, prompted: Prompted | None) -> bool:
    """Whether some of the pictures made with a well-known version or model are above the ceiling.

    Otherwise each picture of the whole list would be asked what it was made with.
    """
    if filters.version_id is not None:
        rows, others = _made(viewer, pk=filters.version_id), replace(filters, version_id=None)
    elif filters.model_id is not None:
        rows, others = _made(viewer, model_id=filters.model_id), replace(filters, model_id=None)
    else:
        return False
    if not rows[MANY_IMAGES:].exists():
        return False
    some = among("pk", keys_of(rows[: 2 * COUNT_CEILING], column="image_id"))
    return _narrowed(viewer, others, prompted).filter(some).order_by().count() > COUNT_CEILING


def _images_of(rows: QuerySet[Any]) -> Func | Exists:
    """The pictures of these rows: where they are not very many, by their keys.

    Otherwise each picture of the list is asked in the order of the list, and soon enough of them
    are found.
    """
    keys = keys_of(rows[: MANY_IMAGES + 1], column="image_id")
    if len(keys) <= MANY_IMAGES:
        return among("pk", keys)
    return Exists(rows.filter(image=OuterRef("pk")))


def _cards(images: QuerySet[Image]) -> QuerySet[Image]:
    return images.select_related("blob", "owner__avatar", "base_model", "generation").defer(
        "generation__text", "generation__data"
    )


def _first_beyond(
    images: QuerySet[Image], order: tuple[str, ...], image: Image, prompted: Prompted | None
) -> int | None:
    here = [getattr(image, name.lstrip("-")) for name in order]
    found = behind(images, order, here).order_by(*order)
    if prompted is not None:
        near = prompted.nearest_of(found)
        found = found.filter(
            among("pk", near.keys) if near.keys or near.is_all else prompted.condition()
        )
    return found.values_list("pk", flat=True).first()


@cache
def _newest(limit: int) -> RowsForViewer[Image]:
    """The newest ones of some pictures that the viewer may see."""
    return RowsForViewer(lambda viewer, keys: _cards(_newest_of(viewer, keys, limit)))


def _newest_of(viewer: Viewer, keys: Iterable[int], limit: int) -> QuerySet[Image]:
    seen = Image.objects.visible_to(viewer).filter(among("pk", keys))
    return sliced(seen.order_by(*ORDERS[ImageSort.NEWEST]), limit)


def _pictures_made_with(viewer: Viewer, version_id: int) -> QuerySet[ImageResource, tuple[int]]:
    """Keys of pictures; none where the viewer may not know of the version, see `made_with`."""
    known = ModelVersion.objects.reachable_by(viewer).filter(pk=version_id)
    rows = ImageResource.objects.filter(version_id=version_id, version__in=known)
    return rows.values_list("image_id")[: FEW_IMAGES + 1]


_card_rows = KeptRows(lambda keys: _cards(Image.objects.filter(among("pk", keys))))
_pictures_of_version = RowsForViewer(_pictures_made_with)
_resources_of = KeptRows(
    lambda keys: ImageResource.objects.filter(among("image", keys)).order_by("position")
)
_one_image = RowsForViewer(
    lambda viewer, image_id: (
        Image.objects.visible_to(viewer)
        .filter(pk=image_id)
        .select_related("blob", "owner__avatar", "team", "post", "base_model", "generation")
    )
)
_versions_with_models = RowsForViewer(
    lambda viewer, keys: (
        ModelVersion.objects.visible_to(viewer)
        .filter(among("pk", keys))
        .select_related("model", "base_model")
        .defer("description", "model__description", *(f"model__{name}" for name in ONLY_ASKED))
    )
)
_bases_in_use = RowsForViewer(
    lambda viewer: (
        BaseModel.objects.filter(
            Exists(Image.objects.visible_to(viewer).filter(base_model=OuterRef("pk")))
        )
        .order_by("sort", "name")
        .values_list("name")
    )
)
