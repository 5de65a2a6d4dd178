"""Where a person was named or answered, from the reads to what the page prints."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from frontend.contexts.comments import subject_name, subject_url
from frontend.contexts.people import avatar_url, person_url
from hub.accounts.models import User
from hub.comments.models import Notice
from hub.comments.queries import notices_of


@dataclass(frozen=True, slots=True)
class MentionRow:
    """One comment that the reader is told of."""

    author: str
    avatar_url: str
    at: datetime
    reason: str
    text: str
    people: dict[str, str]
    subject_name: str
    url: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class MentionsContext:
    """`/mentions/`."""

    rows: list[MentionRow]
    next_url: str


def mentions_context(*, viewer: User, cursor: str) -> MentionsContext:
    """One page, newest first, in a constant number of queries."""
    page = notices_of(viewer, cursor=cursor or None)
    address = reverse("mentions")
    return MentionsContext(
        rows=[_row(notice, viewer) for notice in page.items],
        next_url=f"{address}?cursor={page.next_cursor}" if page.next_cursor else "",
    )


def _row(notice: Notice, viewer: User) -> MentionRow:
    comment = notice.comment
    return MentionRow(
        author=comment.author.public_name,
        avatar_url=avatar_url(comment.author),
        at=comment.created_at,
        reason=notice.get_reason_display(),
        text=comment.text,
        people={viewer.username: person_url(viewer.username)},
        subject_name=subject_name(comment.subject),
        url=f"{subject_url(comment.subject)}#comment-{comment.pk}",
        is_new=notice.seen_at is None,
    )
