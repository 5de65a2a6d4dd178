"""Comments on models: written, answered, taken away; the counter follows in the same step."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.mentions import mentioned_people
from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Invalid, NotAllowed, NotFound, TooLarge
from models_registry.models.comment import CommentMention, ModelComment
from models_registry.models.model import Model
from models_registry.permissions import can_comment, can_delete_comment
from models_registry.services.counters import change_comment_count


def add_comment(
    *, actor: User, model: Model, text: str, parent_id: int | None = None
) -> ModelComment:
    """Say something about a model, or answer; an answer to an answer joins the same thread."""
    if not Model.objects.reachable_by(actor).filter(pk=model.pk).exists():
        raise NotFound(_("There is no such model."))
    if not can_comment(actor):
        raise NotAllowed(_("Sign in to write a comment."))
    text = _checked(text)
    with transaction.atomic():
        parent = _thread(model, parent_id)
        comment = ModelComment.objects.create(model=model, author=actor, parent=parent, text=text)
        _tell_mentioned(actor, comment)
        change_comment_count(model_id=model.pk, by=1)
        audit.record(actor=actor, action="model_comment.add", target=comment)
    return comment


def hide_comment(*, actor: User, comment: ModelComment) -> None:
    """Take a comment away; its text stays for the record, the answers to it stay shown."""
    if not can_delete_comment(actor, comment):
        raise NotAllowed(_("Only its author and the people of the model can delete a comment."))
    with transaction.atomic():
        changed = ModelComment.objects.filter(pk=comment.pk, hidden_at=None).update(
            hidden_at=timezone.now()
        )
        if changed:
            change_comment_count(model_id=comment.model_id, by=-1)
            audit.record(actor=actor, action="model_comment.hide", target=comment)


def mark_mentions_read(*, actor: User) -> None:
    """Remember that this person has read of everything they were named in."""
    CommentMention.objects.filter(person=actor, seen_at=None).update(seen_at=timezone.now())


def _tell_mentioned(actor: User, comment: ModelComment) -> None:
    """A row for each person named who may open the model; needs the caller's transaction."""
    named = [person for person in mentioned_people(comment.text) if person.pk != actor.pk]
    CommentMention.objects.bulk_create(
        CommentMention(comment=comment, person=person)
        for person in named
        if Model.objects.reachable_by(person).filter(pk=comment.model_id).exists()
    )


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


def _thread(model: Model, parent_id: int | None) -> ModelComment | None:
    """The first comment of the thread that is answered."""
    if parent_id is None:
        return None
    parent = ModelComment.objects.filter(pk=parent_id, model=model, hidden_at=None).first()
    if parent is None:
        raise NotFound(_("The comment that you answer was taken away."))
    return parent.parent or parent
