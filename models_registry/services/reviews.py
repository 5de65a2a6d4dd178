"""Reviews: one for each person and version, counted at once."""

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Invalid, NotAllowed, NotFound
from models_registry.models.review import Review
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_review
from models_registry.services.columns import check_length
from models_registry.services.counters import recount_reviews

RECOMMENDED_FROM = 3


def write_review(
    *,
    actor: User,
    version: ModelVersion,
    rating: int,
    text: str = "",
    recommended: bool | None = None,
) -> Review:
    """Write or rewrite the actor's review; three stars and more recommend by themselves."""
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
            },
        )
        recount_reviews(model_id=version.model_id)
        audit.record(actor=actor, action="review.write", target=review)
    return review


def delete_review(*, actor: User, review: Review) -> None:
    """Take back one's own review; administrators may take back any."""
    if review.author_id != actor.pk and not actor.is_superuser:
        raise NotAllowed(_("You can only delete your own review."))
    model_id = review.model_id
    with transaction.atomic():
        audit.record(actor=actor, action="review.delete", target=review)
        review.delete()
        recount_reviews(model_id=model_id)


def _require_public(actor: User, version: ModelVersion) -> None:
    visible = ModelVersion.objects.reachable_by(actor).published()
    if not visible.filter(pk=version.pk).exists():
        raise NotFound(_("There is no such version."))
