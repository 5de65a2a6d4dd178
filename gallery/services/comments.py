"""Comments under a picture; the count on the picture is of those that are shown."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from gallery.models import Comment, Image
from gallery.permissions import can_delete_comment, can_moderate, can_react
from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Invalid, NotAllowed, TooLarge


def add_comment(*, actor: User, image: Image, text: str) -> Comment:
    """Say something under a picture."""
    if not can_react(actor):
        raise NotAllowed(_("Sign in to comment on pictures."))
    text = text.strip()
    if not text:
        raise Invalid(_("A comment needs some text."))
    if len(text) > settings.COMMENT_MAX_CHARACTERS:
        raise TooLarge(
            _("A comment can have %(most)d characters; this one has %(count)d.")
            % {"most": settings.COMMENT_MAX_CHARACTERS, "count": len(text)}
        )
    with transaction.atomic():
        comment = Comment.objects.create(image=image, author=actor, text=text)
        _count(image, 1)
        audit.record(actor=actor, action="comment.add", target=comment)
    return comment


def delete_comment(*, actor: User, comment: Comment) -> None:
    """Take a comment away for good."""
    if not can_delete_comment(actor, comment):
        raise NotAllowed(_("Only its author, the owner of the picture and moderators can do this."))
    with transaction.atomic():
        audit.record(actor=actor, action="comment.delete", target=comment)
        if comment.hidden_at is None:
            _count(comment.image, -1)
        comment.delete()


def hide_comment(*, actor: User, comment: Comment, now: datetime) -> Comment:
    """Keep a comment for the record, but show it to nobody."""
    if not can_moderate(actor):
        raise NotAllowed(_("Only moderators can hide comments."))
    with transaction.atomic():
        changed = Comment.objects.filter(pk=comment.pk, hidden_at=None).update(hidden_at=now)
        if changed:
            _count(comment.image, -1)
            audit.record(actor=actor, action="comment.hide", target=comment)
    comment.refresh_from_db()
    return comment


def _count(image: Image, change: int) -> None:
    Image.objects.filter(pk=image.pk).update(comment_count=F("comment_count") + change)
