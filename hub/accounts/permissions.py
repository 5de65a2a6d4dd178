"""Who may do what in a team; shared by pages, API and sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.contrib.auth.models import AnonymousUser

from hub.accounts.models import Membership, Role, Team, User
from hub.core.kept_queries import KeptRows

MANAGERS = (Role.OWNER, Role.MANAGER)
#: Roles that were looked up, by person and team; None where each is looked up anew.
_known: ContextVar[dict[tuple[int, int], str | None] | None] = ContextVar("roles", default=None)


@contextmanager
def roles_asked_once() -> Iterator[None]:
    """Within, a person's role in a team is asked once; for requests that change nothing.

    A page asks it for every file and every remark that it shows.
    """
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def role_in(user: User | AnonymousUser, team: Team | None) -> str | None:
    """The person's role in the team, or None."""
    if team is None or not user.is_authenticated:
        return None
    known, key = _known.get(), (user.pk, team.pk)
    if known is None:
        return next(iter(_roles(*key)), None)
    if key not in known:
        known[key] = next(iter(_roles(*key)), None)
    return known[key]


def can_manage_team(user: User | AnonymousUser, team: Team) -> bool:
    """Owners and managers invite, remove and order the queue; administrators always may."""
    return bool(getattr(user, "is_superuser", False)) or role_in(user, team) in MANAGERS


def can_choose_owners(user: User | AnonymousUser, team: Team) -> bool:
    """Owners make and unmake owners; administrators always may."""
    return bool(getattr(user, "is_superuser", False)) or role_in(user, team) == Role.OWNER


_roles: KeptRows[str] = KeptRows(
    lambda user, team: Membership.objects.filter(user_id=user, team_id=team).values_list(
        "role", flat=True
    )
)
