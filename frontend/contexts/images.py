"""What the pages of the gallery show: cards, filters with their addresses, one picture's panel."""

from dataclasses import dataclass, field

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from frontend.contexts.components import ImageCard, Picture
from frontend.contexts.lists import Choice, FilterChip, with_query
from gallery.models import Image
from gallery.queries import ImageFilters, ImageSort, Scope, without
from hub.accounts.models import User
from hub.storage.pictures import picture_url

CARD_WIDTHS = (320, 450, 800)
WHOLE_BYTES = 8 * 1024 * 1024
CARD_SIZES = "(max-width: 560px) 50vw, (max-width: 1180px) 33vw, 280px"

SORT_LABELS = {
    ImageSort.NEWEST: gettext_lazy("Newest"),
    ImageSort.OLDEST: gettext_lazy("Oldest"),
    ImageSort.MOST_REACTIONS: gettext_lazy("Most reactions"),
    ImageSort.MOST_COMMENTS: gettext_lazy("Most comments"),
}
SCOPE_LABELS = {
    Scope.EVERYONE: gettext_lazy("Everyone"),
    Scope.TEAM: gettext_lazy("My team"),
    Scope.MINE: gettext_lazy("Mine"),
}


@dataclass(frozen=True, slots=True)
class ImageListContext:
    """`/images/`: one page of cards and the state of its filters."""

    cards: list[ImageCard]
    filters: ImageFilters
    sort: str
    query: str
    next_url: str = ""
    total: str = ""
    is_empty_hub: bool = False
    sorts: list[Choice] = field(default_factory=list)
    scopes: list[Choice] = field(default_factory=list)
    base_models: list[Choice] = field(default_factory=list)
    models: list[Choice] = field(default_factory=list)
    chips: list[FilterChip] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """A model that took part; `url` only where the viewer may see it here."""

    name: str
    kind: str
    weight: str
    hash: str
    url: str = ""
    version_name: str = ""
    prompt_tag: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One setting of the generation, copied as `copy` says."""

    label: str
    value: str
    copy: str = ""


@dataclass(frozen=True, slots=True)
class ImageViewContext:
    """`/images/<id>/`: the picture, its panel and the way to the next one."""

    image: Image
    picture: Picture
    original_url: str
    title: str
    avatar_url: str
    facts: list[Fact]
    resources: list[ResourceRow]
    prompt: str
    negative_prompt: str
    generation_text: str
    source: str
    previous_url: str
    next_url: str
    list_url: str
    query: str
    reactions: list["ReactionButton"] = field(default_factory=list)
    visibilities: list[Choice] = field(default_factory=list)
    can_edit: bool = False
    can_moderate: bool = False

    @property
    def shortcut_words(self) -> dict[str, str]:
        """What the keys of this page do, for the list behind `?`."""
        return {
            "previous": _("Previous image"),
            "next": _("Next image"),
            "details": _("Show or hide the details"),
            "close": _("Close"),
        }


@dataclass(frozen=True, slots=True)
class ReactionButton:
    """One of the five reactions with its count and whether it is the viewer's."""

    kind: str
    label: str
    symbol: str
    count: int
    is_mine: bool


def list_query(filters: ImageFilters, sort: str) -> str:
    """The query string of a list, without what is the default; "" for the plain list."""
    query = QueryDict(mutable=True)
    pairs = {
        "q": filters.words,
        "scope": "" if filters.scope == Scope.EVERYONE else filters.scope.value,
        "model": filters.model_id,
        "version": filters.version_id,
        "author": filters.author,
        "post": filters.post_id,
        "prompt": "1" if filters.with_prompt else "",
        "sort": "" if sort == ImageSort.NEWEST else sort,
    }
    query.setlist("base", list(filters.base_models))
    for name, value in pairs.items():
        if value:
            query[name] = str(value)
    return query.urlencode()


def list_url(filters: ImageFilters, sort: str) -> str:
    """Address of the list with these filters."""
    return with_query(reverse("images"), list_query(filters, sort))


def image_card_of(image: Image, query: str = "") -> ImageCard:
    """One picture as a card whose link remembers the list it stands in."""
    generation = getattr(image, "generation", None)
    return ImageCard(
        url=with_query(reverse("image", args=[image.pk]), query),
        picture=picture_of(image, CARD_WIDTHS[1], sizes=CARD_SIZES),
        author_name=image.owner.public_name,
        author_avatar_url=avatar_url(image.owner),
        generation_text=generation.copy_text if generation is not None else "",
    )


def picture_of(image: Image, width: int, *, sizes: str, whole: bool = False) -> Picture:
    """The picture with renditions for several screens and a box that is right before it loads.

    With `whole` the file itself is offered too, for screens that are larger than any rendition.
    """
    public = image.is_for_everyone
    widths = {min(step, image.width): step for step in reversed(CARD_WIDTHS)}
    offered = [
        (picture_url(image.blob, step, public=public), shown)
        for shown, step in sorted(widths.items())
    ]
    if whole and image.width > CARD_WIDTHS[-1] and image.blob.size_bytes <= WHOLE_BYTES:
        offered.append((picture_url(image.blob, public=public), image.width))
    srcset = ", ".join(f"{url} {shown}w" for url, shown in offered)
    return Picture(
        src=picture_url(image.blob, width, public=public),
        srcset=srcset,
        sizes=sizes,
        width=image.width,
        height=image.height,
        alt=alt_of(image),
        placeholder=image.placeholder,
        average_colour=image.average_colour,
    )


def avatar_url(person: User) -> str:
    """The small picture of a person, "" when they have none."""
    return picture_url(person.avatar, 96, public=True) if person.avatar is not None else ""


def alt_of(image: Image) -> str:
    """What the picture shows, as far as its data says: title, prompt, else who posted it."""
    generation = getattr(image, "generation", None)
    prompt = generation.prompt if generation is not None else ""
    if image.title or prompt:
        return image.title or " ".join(prompt.split())[:160]
    return _("Image by %(name)s") % {"name": image.owner.public_name}


def chips_of(filters: ImageFilters, sort: str, model_name: str) -> list[FilterChip]:
    """One removable chip for each filter in force."""
    chips = [
        FilterChip(base, list_url(without(filters, "base_models", base), sort))
        for base in filters.base_models
    ]
    if filters.words:
        label = _("“%(words)s”") % {"words": filters.words}
        chips.insert(0, FilterChip(label, list_url(without(filters, "words"), sort)))
    if filters.model_id is not None or filters.version_id is not None:
        bare = without(without(filters, "model_id"), "version_id")
        chips.append(FilterChip(model_name or _("Model"), list_url(bare, sort)))
    if filters.author:
        label = _("By %(name)s") % {"name": filters.author}
        chips.append(FilterChip(label, list_url(without(filters, "author"), sort)))
    if filters.post_id is not None:
        chips.append(FilterChip(_("One post"), list_url(without(filters, "post_id"), sort)))
    if filters.with_prompt:
        chips.append(FilterChip(_("With prompt"), list_url(without(filters, "with_prompt"), sort)))
    return chips
