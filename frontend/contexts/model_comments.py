"""The comments of a model, from the reads to what the page prints."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from frontend.contexts.people import avatar_url, person_url
from models_registry.engagement_queries import threads_of
from models_registry.models.comment import ModelComment
from models_registry.models.model import Model, Viewer
from models_registry.permissions import can_comment, can_edit_model


@dataclass(frozen=True, slots=True)
class CommentRow:
    """One comment; without `text` it was taken away and only holds its answers."""

    id: int
    author: str
    avatar_url: str
    at: datetime
    text: str
    can_delete: bool
    username: str
    people: dict[str, str]
    answers: tuple["CommentRow", ...] = ()


@dataclass(frozen=True, slots=True)
class CommentsContext:
    """Threads, newest first."""

    threads: list[CommentRow]
    next_url: str
    can_write: bool
    max_characters: int


def comments_context(*, viewer: Viewer, model: Model, cursor: str = "") -> CommentsContext:
    """One page of threads in a constant number of queries."""
    page = threads_of(model, cursor=cursor or None)
    address = reverse("model_comments", args=[model.slug])
    rows = _rows(page.items, viewer, is_editor=can_edit_model(viewer, model))
    return CommentsContext(
        threads=rows,
        next_url=f"{address}?cursor={page.next_cursor}" if page.next_cursor else "",
        can_write=can_comment(viewer),
        max_characters=settings.COMMENT_MAX_CHARACTERS,
    )


def _rows(comments: Iterable[ModelComment], viewer: Viewer, *, is_editor: bool) -> list[CommentRow]:
    """`permissions.can_delete_comment` for many rows of one model, asked once."""
    may_all = viewer.is_authenticated and (viewer.is_staff or is_editor)
    return [
        CommentRow(
            id=comment.pk,
            author=comment.author.public_name,
            avatar_url=avatar_url(comment.author),
            at=comment.created_at,
            text="" if comment.hidden_at else comment.text,
            can_delete=comment.hidden_at is None
            and (may_all or (viewer.is_authenticated and viewer.pk == comment.author_id)),
            username=comment.author.username,
            people=_named(comment),
            answers=tuple(_rows(comment.answers.all(), viewer, is_editor=is_editor))
            if comment.parent_id is None
            else (),
        )
        for comment in comments
    ]


def _named(comment: ModelComment) -> dict[str, str]:
    """Addresses of the people named in a comment, by their user names."""
    names = [mention.person.username for mention in comment.mentions.all()]
    return {name: person_url(name) for name in names}
