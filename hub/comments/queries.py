"""Reads of comments and of whom they tell."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from gallery.models import Image
from hub.accounts.models import User
from hub.comments.models import Comment, Notice, NoticeReason, Subject
from hub.comments.permissions import can_moderate
from hub.core.errors import NotFound
from hub.core.kept_queries import KeptRows, attach_rows
from hub.core.lookups import among
from hub.core.pagination import Page, first_page, keyset, sliced
from models_registry.models.model import Model, Viewer

THREADS = 20
NEWEST = ("-id",)


def threads_of(
    viewer: Viewer, subject: Subject, *, cursor: str | None = None, limit: int = THREADS
) -> Page[Comment]:
    """Threads, newest first, with answers in order; what was taken away only holds answers.

    Whoever looks after the subject is given hidden comments too. The caller has checked that the
    viewer may open the subject.
    """
    moderates = can_moderate(viewer, subject)
    if cursor:
        rows = _threads(type(subject), subject.pk, moderates=moderates)
        page = keyset(rows, order=NEWEST, cursor=cursor, limit=limit)
    else:
        found = _first_threads(type(subject), moderates, limit)(subject.pk)
        page = first_page(found, order=NEWEST, limit=limit)
    _attach_below(page.items, moderates=moderates)
    return page


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
    """How many notices of shown comments a person has not read; 0 for guests."""
    if not viewer.is_authenticated:
        return 0
    return next((n for (n,) in _unread(viewer.pk)), 0)


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


def _readable(*, moderates: bool) -> QuerySet[Comment]:
    """Whoever looks after the subject reads hidden comments too."""
    return Comment.objects.kept() if moderates else Comment.objects.shown()


def _threads(subject: type[Subject], subject_id: int, *, moderates: bool) -> QuerySet[Comment]:
    about = {"model_id": subject_id} if subject is Model else {"image_id": subject_id}
    readable = _readable(moderates=moderates)
    is_read = Exists(readable.filter(pk=OuterRef("pk")))
    is_answered = Exists(readable.filter(parent=OuterRef("pk")))
    rows = Comment.objects.filter(is_read | is_answered, parent=None, **about)
    return rows.select_related("author__avatar")


@cache
def _first_threads(subject: type[Subject], moderates: bool, limit: int) -> KeptRows[Comment]:  # noqa: FBT001  keys of a cache
    def first_threads(subject_id: int) -> QuerySet[Comment]:
        rows = _threads(subject, subject_id, moderates=moderates).order_by(*NEWEST)
        return sliced(rows, limit + 1)

    return KeptRows(first_threads)


def _attach_below(threads: Sequence[Comment], *, moderates: bool) -> None:
    """Answers in order, and for each comment the notices of those who are named in it."""
    if not threads:
        return
    answers = _answers[moderates]([thread.pk for thread in threads])
    attach_rows(threads, "answers", answers)
    named: dict[int, list[Notice]] = defaultdict(list)
    for notice in _namings([comment.pk for comment in (*threads, *answers)]):
        named[notice.comment_id].append(notice)
    for comment in (*threads, *answers):
        comment.namings = named[comment.pk]


def _answers_for(*, moderates: bool) -> KeptRows[Comment]:
    return KeptRows(
        lambda threads: (
            _readable(moderates=moderates)
            .filter(among("parent", threads))
            .select_related("author__avatar")
            .order_by("pk")
        )
    )


_answers = {moderates: _answers_for(moderates=moderates) for moderates in (True, False)}
_namings = KeptRows(
    lambda comments: Notice.objects.filter(
        among("comment", comments), reason=NoticeReason.MENTION
    ).select_related("person")
)
_unread = KeptRows(
    lambda person: (
        Notice.objects.filter(person_id=person, seen_at=None, comment__hidden_at=None)
        .order_by()
        .values("person_id")
        .annotate(n=Count("pk"))
        .values_list("n")
    )
)
