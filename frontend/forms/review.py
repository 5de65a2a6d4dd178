"""A review as its form sends it, and from there to the services."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from frontend.forms.models import WEIGHTS
from hub.accounts.models import User
from models_registry.models.review import Review
from models_registry.models.version import ModelVersion
from models_registry.services.reviews import (
    Used,
    remove_review_picture,
    set_review_picture,
    write_review,
)
from models_registry.version_lookup import page_address, version_meant


class ReviewForm(forms.Form):
    """Stars, words, what was used, and a picture that was sent before."""

    rating = forms.TypedChoiceField(
        label=_("Stars"),
        choices=[(str(stars), str(stars)) for stars in range(5, 0, -1)],
        coerce=int,
        initial="5",
    )
    text = forms.CharField(
        label=_("What you think"), required=False, widget=forms.Textarea({"rows": 3})
    )
    weight = forms.DecimalField(label=_("Weight that you used"), required=False, **WEIGHTS)
    base = forms.CharField(
        label=_("Checkpoint that you used"),
        required=False,
        max_length=300,
        help_text=_("Its name, or the address of its page here."),
    )
    upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    remove_picture = forms.BooleanField(label=_("Take the picture off"), required=False)

    @classmethod
    def of(cls, review: Review | None, posted: Any = None) -> "ReviewForm":
        """The form with what this person wrote before."""
        initial: dict[str, Any] = {}
        if review is not None:
            linked = review.base_version
            initial = {
                "rating": str(review.rating),
                "text": review.text,
                "weight": review.weight,
                "base": page_address(linked) if linked else review.base_name,
            }
        form = cls(posted, initial=initial)
        if review is None or not hasattr(review, "picture"):
            del form.fields["remove_picture"]
        return form


def save_review(actor: User, version: ModelVersion, data: dict[str, Any]) -> Review:
    """Write the review with its picture, or nothing."""
    meant = version_meant(actor, data["base"])
    name = f"{meant.model.name} {meant.name}" if meant else data["base"]
    weight: Decimal | None = data["weight"]
    with transaction.atomic():
        review = write_review(
            actor=actor,
            version=version,
            rating=data["rating"],
            text=data["text"],
            used=Used(weight=weight, base_name=name, base_version=meant),
        )
        if data["upload"] is not None:
            set_review_picture(actor=actor, review=review, upload_id=data["upload"])
        elif data.get("remove_picture"):
            remove_review_picture(actor=actor, review=review)
    return review
