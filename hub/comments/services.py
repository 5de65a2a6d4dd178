"""Comments: written, changed, hidden; the subject's counter follows in the same step."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.mentions import mentioned_people
from hub.accounts.models import User
from hub.comments.counting import change_count
from hub.comments.models import Comment, Notice, NoticeReason, Subject
from hub.comments.permissions import (
    can_comment,
    can_edit_comment,
    can_moderate,
)
from hub.comments.queries import may_open
from hub.core import audit
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound, TooLarge
from hub.core.seen import laid_over
from models_registry.models.model import Model


def add_comment(
    *, actor: User, subject: Subject, text: str, parent_id: int | None = None
) -> Comment:
    """Say something, or answer; an answer to an answer joins the same thread.

    Tells the people who are named, and the author of what is answered.
    """
    if not can_comment(actor):
        raise NotAllowed(_("Sign in to write a comment."))
    if not may_open(actor, subject):
        raise NotFound(_("There is nothing at this address, or you may not see it."))
    text = _checked(text)
    with transaction.atomic():
        answered = _answered(subject, parent_id)
        comment = Comment(author=actor, text=text)
        comment.parent = (answered.parent or answered) if answered is not None else None
        if isinstance(subject, Model):
            comment.model = subject
        else:
            comment.image = subject
        comment.save()
        _tell(comment, answered=answered.author if answered is not None else None)
        change_count(comment, 1)
        audit.record(actor=actor, action="comment.add", target=comment)
    return comment


def edit_comment(
    *,
    actor: User,
    comment: Comment,
    text: str,
    now: datetime,
    seen: Mapping[str, str] = MappingProxyType({}),
) -> Comment:
    """Say it in other words; who is named anew is told, who is not named any more is not.

    `seen` is a mark of the words that the page showed. Raises ChangedMeanwhile for other words.
    """
    if not can_edit_comment(actor, comment):
        raise NotAllowed(_("Only its author can change a comment."))
    text = _checked(text)
    with transaction.atomic():
        locked = Comment.objects.select_for_update(of=("self",)).get(pk=comment.pk)
        text = laid_over(locked, {"text": text}, seen)["text"]
        if text == locked.text:
            return locked
        comment.text, comment.edited_at = text, now
        comment.save(update_fields=["text", "edited_at"])
        _tell(comment)
        audit.record(actor=actor, action="comment.edit", target=comment)
    return comment


def hide_comment(*, actor: User, comment: Comment, now: datetime) -> Comment:
    """Keep a comment for those who look after the subject, and show it to nobody else."""
    _require_moderator(actor, comment)
    with transaction.atomic():
        changed = Comment.objects.filter(pk=comment.pk, hidden_at=None).update(hidden_at=now)
        if changed:
            change_count(comment, -1)
            audit.record(actor=actor, action="comment.hide", target=comment)
    comment.refresh_from_db()
    return comment


def show_comment(*, actor: User, comment: Comment) -> Comment:
    """Undo `hide_comment`. Conflict when nothing is left of it."""
    _require_moderator(actor, comment)
    with transaction.atomic():
        hidden = Comment.objects.kept().filter(pk=comment.pk, hidden_at__isnull=False)
        if hidden.update(hidden_at=None):
            change_count(comment, 1)
            audit.record(actor=actor, action="comment.show", target=comment)
    comment.refresh_from_db()
    if comment.is_gone:
        raise Conflict(_("This comment was taken away for good."))
    return comment


def mark_notices_read(*, actor: User, now: datetime) -> None:
    """Remember that this person has read of everything that they are told of."""
    Notice.objects.filter(person=actor, seen_at=None).update(seen_at=now)


def _tell(comment: Comment, *, answered: User | None = None) -> None:
    """A notice for everyone named or answered who may open the subject, and may be told of it."""
    named = mentioned_people(comment.text)
    comment.notices.filter(reason=NoticeReason.MENTION).exclude(person__in=named).delete()
    reasons = dict.fromkeys([answered] if answered is not None else [], NoticeReason.ANSWER)
    reasons |= dict.fromkeys(named, NoticeReason.MENTION)
    Notice.objects.bulk_create(
        (
            Notice(comment=comment, person=person, reason=reason)
            for person, reason in reasons.items()
            if person.pk != comment.author_id and may_open(person, comment.subject)
        ),
        ignore_conflicts=True,
    )


def _answered(subject: Subject, parent_id: int | None) -> Comment | None:
    """The comment that is answered."""
    if parent_id is None:
        return None
    found = Comment.objects.about(subject).shown().filter(pk=parent_id)
    answered = found.select_related("author", "parent").first()
    if answered is None:
        raise NotFound(_("The comment that you answer was taken away."))
    return answered


def _checked(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise Invalid(_("A comment needs some text."), code="text_missing")
    if len(text) > settings.COMMENT_MAX_CHARACTERS:
        raise TooLarge(
            _("This comment has %(length)s characters; the limit is %(limit)s.")
            % {"length": len(text), "limit": settings.COMMENT_MAX_CHARACTERS}
        )
    return text


def _require_moderator(actor: User, comment: Comment) -> None:
    if not can_moderate(actor, comment.subject):
        raise NotAllowed(_("Only moderators and the people of what it is about can hide comments."))
