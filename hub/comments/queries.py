"""Reads of comments and of whom they tell."""

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils.translation import gettext as _

from gallery.models import Image
from hub.accounts.models import User
from hub.comments.models import Comment, Notice, NoticeReason, Subject
from hub.comments.permissions import can_moderate
from hub.core.errors import NotFound
from hub.core.pagination import Page, keyset
from models_registry.models.model import Model, Viewer

THREADS = 20


def threads_of(
    viewer: Viewer, subject: Subject, *, cursor: str | None = None, limit: int = THREADS
) -> Page[Comment]:
    """Threads, newest first, with answers in order; what was taken away only holds answers.

    Whoever looks after the subject is given hidden comments too. The caller has checked that the
    viewer may open the subject.
    """
    readable = ~Q(text="") if can_moderate(viewer, subject) else Q(hidden_at=None)
    answers = Comment.objects.filter(readable)
    named = Prefetch(
        "notices",
        Notice.objects.filter(reason=NoticeReason.MENTION).select_related("person"),
        to_attr="namings",
    )
    below = answers.select_related("author__avatar").order_by("pk").prefetch_related(named)
    rows = (
        Comment.objects.about(subject)
        .filter(parent=None)
        .filter(readable | Exists(answers.filter(parent=OuterRef("pk"))))
        .select_related("author__avatar")
        .prefetch_related(Prefetch("answers", below), named)
    )
    return keyset(rows, order=("-id",), cursor=cursor, limit=limit)


def comment_detail(viewer: Viewer, comment_id: int) -> Comment:
    """One comment that the viewer may read. NotFound where it or its subject is not for them."""
    rows = Comment.objects.kept().filter(_readable_by(viewer), pk=comment_id)
    comment = rows.select_related("author", "model__team", "image").first()
    is_shown = comment is not None and (
        comment.hidden_at is None or can_moderate(viewer, comment.subject)
    )
    if comment is None or not is_shown:
        raise NotFound(_("There is no such comment, or it was taken away."))
    return comment


def notices_of(viewer: User, *, cursor: str | None = None, limit: int = THREADS) -> Page[Notice]:
    """What a person is told of, newest first: shown comments on what they may still open."""
    readable = Comment.objects.shown().filter(_readable_by(viewer))
    rows = Notice.objects.filter(person=viewer, comment__in=readable)
    rows = rows.select_related(
        "comment__author__avatar", "comment__model", "comment__image__owner"
    ).prefetch_related("comment__image__generation")
    return keyset(rows, order=("-id",), cursor=cursor, limit=limit)


def unread_notices(viewer: Viewer) -> int:
    """How many notices a person has not read; 0 for guests."""
    if not viewer.is_authenticated:
        return 0
    return Notice.objects.filter(person_id=viewer.pk, seen_at=None).count()


def may_open(viewer: Viewer, subject: Subject) -> bool:
    """Whether the viewer gets the model or the picture by its address."""
    if isinstance(subject, Model):
        return Model.objects.reachable_by(viewer).filter(pk=subject.pk).exists()
    return Image.objects.visible_to(viewer).filter(pk=subject.pk).exists()


def _readable_by(viewer: Viewer) -> Q:
    """On what the viewer may open; each comment's subject is asked for by its key."""
    models = Model.objects.reachable_by(viewer).filter(pk=OuterRef("model_id"))
    images = Image.objects.visible_to(viewer).filter(pk=OuterRef("image_id"))
    return Q(Exists(models)) | Q(Exists(images))
