"""Reviews: one for each person and version, counted at once."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Invalid, NotAllowed, NotFound
from hub.storage.blobs import open_blob
from hub.storage.pictures import inspect_picture
from models_registry.models.review import Review, ReviewPicture
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_review
from models_registry.services.columns import check_length
from models_registry.services.counters import recount_reviews
from models_registry.services.covers import take_picture
from models_registry.services.values import as_weight

RECOMMENDED_FROM = 3


@dataclass(frozen=True, slots=True)
class Used:
    """What a reviewer used: the weight, and the checkpoint by name, linked where it is here."""

    weight: Decimal | None = None
    base_name: str = ""
    base_version: ModelVersion | None = None


def write_review(
    *,
    actor: User,
    version: ModelVersion,
    rating: int,
    text: str = "",
    recommended: bool | None = None,
    used: Used | None = None,
) -> Review:
    """Write or rewrite the actor's review; three stars and more recommend by themselves.

    `used` None leaves the weight and the checkpoint as they were said before.
    """
    _require_public(actor, version)
    if not can_review(actor, version):
        raise NotAllowed(_("You cannot review a model of your own."))
    if not 1 <= rating <= 5:
        raise Invalid(_("A rating has one to five stars."), code="rating_range")
    thumb = rating >= RECOMMENDED_FROM if recommended is None else recommended
    with transaction.atomic():
        review, _made = Review.objects.update_or_create(
            version=version,
            author=actor,
            defaults={
                "model_id": version.model_id,
                "rating": rating,
                "recommended": thumb,
                "text": check_length(text.strip()),
                **(_used_columns(actor, used) if used is not None else {}),
            },
        )
        recount_reviews(model_id=version.model_id)
        audit.record(actor=actor, action="review.write", target=review)
    return review


def set_review_picture(*, actor: User, review: Review, upload_id: UUID) -> ReviewPicture:
    """Take the author's finished picture for a review, in place of an earlier one.

    Raises Invalid for what is no picture, Conflict before the upload is complete.
    """
    _require_author(actor, review)
    with transaction.atomic():
        blob, text = take_picture(actor=actor, upload_id=upload_id)
        with open_blob(blob) as picture:
            facts = inspect_picture(picture)
        row, _made = ReviewPicture.objects.update_or_create(
            review=review,
            defaults={
                "blob": blob,
                "width": facts.width,
                "height": facts.height,
                "average_colour": facts.average_colour,
                "placeholder": facts.placeholder,
                "generation_text": text,
            },
        )
        audit.record(actor=actor, action="review.picture", target=review)
    return row


def remove_review_picture(*, actor: User, review: Review) -> None:
    """Take the picture off a review; twice is as once."""
    _require_author(actor, review)
    with transaction.atomic():
        if ReviewPicture.objects.filter(review=review).delete()[0]:
            audit.record(actor=actor, action="review.remove_picture", target=review)


def delete_review(*, actor: User, review: Review) -> None:
    """Take back one's own review; administrators may take back any."""
    if review.author_id != actor.pk and not actor.is_superuser:
        raise NotAllowed(_("You can only delete your own review."))
    model_id = review.model_id
    with transaction.atomic():
        audit.record(actor=actor, action="review.delete", target=review)
        review.delete()
        recount_reviews(model_id=model_id)


def _used_columns(actor: User, used: Used) -> dict[str, object]:
    version = used.base_version
    if (
        version is not None
        and not ModelVersion.objects.visible_to(actor).filter(pk=version.pk).exists()
    ):
        raise Invalid(_("There is no such version."), code="version_missing")
    weight = as_weight(used.weight).default
    name = " ".join(used.base_name.split())[:160]
    return {"weight": weight, "base_version": version, "base_name": name}


def _require_author(actor: User, review: Review) -> None:
    if review.author_id != actor.pk:
        raise NotAllowed(_("You can only change your own review."))


def _require_public(actor: User, version: ModelVersion) -> None:
    visible = ModelVersion.objects.reachable_by(actor).published()
    if not visible.filter(pk=version.pk).exists():
        raise NotFound(_("There is no such version."))
