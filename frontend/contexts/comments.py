"""What is said about a model or under a picture, from the reads to what the page prints."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from frontend.contexts.images import alt_of
from frontend.contexts.people import avatar_url, person_url
from gallery.models import Image
from hub.comments.models import Comment, Subject
from hub.comments.permissions import can_comment, can_moderate
from hub.comments.queries import threads_of
from models_registry.models.model import Model, Viewer


@dataclass(frozen=True, slots=True)
class CommentRow:
    """One comment; without `text` it was taken away and only holds its answers."""

    id: int
    author: str
    avatar_url: str
    at: datetime
    is_edited: bool
    is_hidden: bool
    text: str
    can_edit: bool
    can_delete: bool
    can_hide: bool
    username: str
    people: tuple[tuple[str, str], ...]
    answers: tuple["CommentRow", ...] = ()


@dataclass(frozen=True, slots=True)
class CommentsContext:
    """Threads, newest first, and the addresses of what they are about."""

    threads: list[CommentRow]
    address: str
    write_address: str
    next_url: str
    can_write: bool
    max_characters: int


def comments_context(*, viewer: Viewer, subject: Subject, cursor: str = "") -> CommentsContext:
    """One page of threads in a constant number of queries."""
    page = threads_of(viewer, subject, cursor=cursor or None)
    name, key = _place(subject)
    address = threads_url(subject)
    return CommentsContext(
        threads=_rows(page.items, viewer, moderates=can_moderate(viewer, subject)),
        address=address,
        write_address=reverse(f"{name}_comment", args=[key]),
        next_url=f"{address}?cursor={page.next_cursor}" if page.next_cursor else "",
        can_write=can_comment(viewer),
        max_characters=settings.COMMENT_MAX_CHARACTERS,
    )


def subject_url(subject: Subject) -> str:
    """The page on which the comments stand."""
    name, key = _place(subject)
    return reverse(name, args=[key])


def threads_url(subject: Subject) -> str:
    """The comments alone, for htmx."""
    name, key = _place(subject)
    return reverse(f"{name}_comments", args=[key])


def subject_name(subject: Subject) -> str:
    """A name for what was said something about."""
    return subject.name if isinstance(subject, Model) else alt_of(subject)


def _place(subject: Subject) -> tuple[str, str | int]:
    if isinstance(subject, Image):
        return "image", subject.pk
    return "model", subject.slug


def _rows(comments: Iterable[Comment], viewer: Viewer, *, moderates: bool) -> list[CommentRow]:
    """`hub.comments.permissions` for many rows of one subject, asked once."""
    return [
        CommentRow(
            id=comment.pk,
            author=comment.author.public_name,
            avatar_url=avatar_url(comment.author),
            at=comment.created_at,
            is_edited=comment.edited_at is not None,
            is_hidden=comment.hidden_at is not None,
            text=comment.text if moderates or comment.hidden_at is None else "",
            can_edit=(is_mine := viewer.pk == comment.author_id and comment.hidden_at is None),
            can_delete=is_mine or (moderates and not comment.is_gone),
            can_hide=moderates and not comment.is_gone,
            username=comment.author.username,
            people=_named(comment),
            answers=tuple(_rows(comment.answers.all(), viewer, moderates=moderates))
            if comment.parent_id is None
            else (),
        )
        for comment in comments
    ]


def _named(comment: Comment) -> tuple[tuple[str, str], ...]:
    """User names of the people named in a comment, each with its address."""
    names = [notice.person.username for notice in comment.namings]
    return tuple((name, person_url(name)) for name in names)
