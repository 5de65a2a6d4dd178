"""Where a person was named, from the reads to what the page prints."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from frontend.contexts.people import avatar_url, person_url
from hub.accounts.models import User
from models_registry.engagement_queries import mentions_of
from models_registry.models.comment import CommentMention


@dataclass(frozen=True, slots=True)
class MentionRow:
    """One comment that names the reader."""

    author: str
    avatar_url: str
    at: datetime
    text: str
    people: dict[str, str]
    model_name: str
    url: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class MentionsContext:
    """`/mentions/`."""

    rows: list[MentionRow]
    next_url: str


def mentions_context(*, viewer: User, cursor: str) -> MentionsContext:
    """One page, newest first, in a constant number of queries."""
    page = mentions_of(viewer, cursor=cursor or None)
    address = reverse("mentions")
    return MentionsContext(
        rows=[_row(mention, viewer) for mention in page.items],
        next_url=f"{address}?cursor={page.next_cursor}" if page.next_cursor else "",
    )


def _row(mention: CommentMention, viewer: User) -> MentionRow:
    comment = mention.comment
    return MentionRow(
        author=comment.author.public_name,
        avatar_url=avatar_url(comment.author),
        at=comment.created_at,
        text=comment.text,
        people={viewer.username: person_url(viewer.username)},
        model_name=comment.model.name,
        url=reverse("model", args=[comment.model.slug]) + "#comments",
        is_new=mention.seen_at is None,
    )
