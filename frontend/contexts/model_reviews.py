"""Reviews on a model's page: stars, words, what was used, the picture that was made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.components import Picture
from frontend.contexts.people import avatar_url
from frontend.templatetags.words import decimal
from hub.storage.pictures import picture_url
from models_registry.models.model import Model, Viewer
from models_registry.models.review import Review, ReviewPicture
from models_registry.queries import reviews_of

PICTURE_WIDTH = 320
SHOWN = 12


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One review; `base_url` where the checkpoint is here and the viewer may see it."""

    author: str
    avatar_url: str
    rating: int
    at: datetime
    version_name: str
    text: str
    weight: str
    base: str
    base_url: str
    picture: Picture | None
    picture_url: str
    generation_text: str


@dataclass(frozen=True, slots=True)
class ReviewsContext:
    """Reviews, newest first, and the address of older ones."""

    rows: list[ReviewRow]
    next_url: str


def reviews_context(*, viewer: Viewer, model: Model, cursor: str = "") -> ReviewsContext:
    """One page in a constant number of queries."""
    page = reviews_of(viewer=viewer, model=model, cursor=cursor or None, limit=SHOWN)
    address = reverse("model_reviews", args=[model.slug])
    return ReviewsContext(
        rows=review_rows(page.items, model),
        next_url=f"{address}?cursor={page.next_cursor}" if page.next_cursor else "",
    )


def review_rows(reviews: Iterable[Review], model: Model) -> list[ReviewRow]:
    """Rows from the prefetches of `queries.reviews_of`."""
    return [_row(review, model) for review in reviews]


def _row(review: Review, model: Model) -> ReviewRow:
    linked = review.base_version
    picture: ReviewPicture | None = getattr(review, "picture", None)
    public = model.shows_everyone(review.version)
    return ReviewRow(
        author=review.author.public_name,
        avatar_url=avatar_url(review.author),
        rating=review.rating,
        at=review.created_at,
        version_name=review.version.name,
        text=review.text,
        weight=decimal(review.weight),
        base=review.base_name if linked or review.base_version_id is None else "",
        base_url=f"{reverse('model', args=[linked.model.slug])}?v={linked.index}" if linked else "",
        picture=_picture(picture, review, public=public) if picture else None,
        picture_url=picture_url(picture.blob, public=public) if picture else "",
        generation_text=picture.generation_text if picture else "",
    )


def _picture(picture: ReviewPicture, review: Review, *, public: bool) -> Picture:
    return Picture(
        src=picture_url(picture.blob, PICTURE_WIDTH, public=public),
        srcset="",
        sizes="",
        width=picture.width,
        height=picture.height,
        alt=_("Picture by %(name)s") % {"name": review.author.public_name},
        placeholder=picture.placeholder,
        average_colour=picture.average_colour,
    )
