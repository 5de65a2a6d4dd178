"""Comments that are taken away, brought back within a while, or forgotten after it.

Nobody reads a deleted comment: its row has no text any more, as one that only holds its answers.
Who deleted it brings it back, with its notices and as hidden as it was.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.comments.counting import change_count
from hub.comments.models import Comment, DeletedComment, Notice
from hub.comments.permissions import can_delete_comment, can_restore_comment
from hub.comments.queries import may_open
from hub.core import audit
from hub.core.errors import NotAllowed, NotFound


def delete_comment(*, actor: User, comment: Comment, now: datetime) -> None:
    """Take a comment away; where answers stand under it, its empty place stays."""
    if not can_delete_comment(actor, comment):
        raise NotAllowed(
            _("Only its author and the people of what it is about can delete a comment.")
        )
    with transaction.atomic():
        kept = Comment.objects.kept().select_for_update().filter(pk=comment.pk).first()
        if kept is None:
            return
        audit.record(actor=actor, action="comment.delete", target=kept)
        DeletedComment.objects.create(
            comment=kept, text=kept.text, hidden_at=kept.hidden_at, deleted_by=actor, deleted_at=now
        )
        if kept.hidden_at is None:
            change_count(kept, -1)
        Comment.objects.filter(pk=kept.pk).update(text="", hidden_at=now)


def restore_comment(*, actor: User, comment_id: int, now: datetime) -> Comment:
    """Bring back what this person deleted; NotFound for others, and when the time is over."""
    with transaction.atomic():
        deletion = (
            DeletedComment.objects.select_for_update(of=("self",))
            .filter(pk=comment_id, deleted_by=actor, deleted_at__gt=now - _time_to_undo())
            .select_related("comment__model__team", "comment__image")
            .first()
        )
        if deletion is None or not may_open(actor, deletion.comment.subject):
            raise NotFound(_("This comment cannot be brought back any more."))
        comment = deletion.comment
        if not can_restore_comment(actor, comment):
            raise NotAllowed(_("Only who may delete a comment can bring it back."))
        comment.text, comment.hidden_at = deletion.text, deletion.hidden_at
        comment.save(update_fields=["text", "hidden_at"])
        deletion.delete()
        if comment.hidden_at is None:
            change_count(comment, 1)
        audit.record(actor=actor, action="comment.restore", target=comment)
    return comment


def forget_deleted_comments(*, now: datetime) -> None:
    """Delete for good what cannot be brought back any more, and places that hold no answer."""
    with transaction.atomic():
        over = DeletedComment.objects.filter(deleted_at__lte=now - _time_to_undo())
        keys = list(over.select_for_update(skip_locked=True).values_list("pk", flat=True))
        places = set(Comment.objects.filter(pk__in=keys).values_list("parent_id", flat=True))
        DeletedComment.objects.filter(pk__in=keys).delete()
        Notice.objects.filter(comment__in=keys).delete()
        empty = Comment.objects.filter(text="", answers=None, deletion=None)
        empty.filter(pk__in=keys).delete()
        empty.filter(pk__in=places - {None}).delete()


def _time_to_undo() -> timedelta:
    return timedelta(seconds=settings.COMMENT_UNDO_SECONDS)
