"""Reactions: one per person, picture and kind; counts are kept on the picture."""

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from gallery.models import Image, Reaction
from gallery.models.reaction import ReactionKind
from gallery.permissions import can_react
from hub.accounts.models import User
from hub.core.errors import Invalid, NotAllowed


def toggle_reaction(*, actor: User, image: Image, kind: str) -> bool:
    """Add the actor's reaction, or take it back when it is there; returns whether it stands now."""
    if not can_react(actor):
        raise NotAllowed(_("Sign in to react to pictures."))
    if kind not in ReactionKind.values:
        raise Invalid(_("This reaction is not known."))
    with transaction.atomic():
        # The row lock makes two clicks of one person follow each other.
        Image.objects.select_for_update().only("pk").get(pk=image.pk)
        gone, _rows = Reaction.objects.filter(image=image, user=actor, kind=kind).delete()
        if not gone:
            Reaction.objects.create(image=image, user=actor, kind=kind)
        change = -1 if gone else 1
        column = f"{kind}_count"
        Image.objects.filter(pk=image.pk).update(
            **{column: F(column) + change, "reaction_count": F("reaction_count") + change}
        )
    return not gone
