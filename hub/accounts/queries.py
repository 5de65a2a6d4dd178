"""Reads of people and teams for pages, API and sockets."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, F, QuerySet, When
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.keys import key_hash
from hub.accounts.models import Invite, Membership, Role, Team, User
from hub.accounts.permissions import can_manage_team, role_in
from hub.core.errors import NotAllowed, NotFound

TEAM_SESSION_KEY = "team_id"
NAMES_OFFERED = 8


def teams_of(user: User | AnonymousUser) -> QuerySet[Team]:
    """Teams the person is in, by name; `role` is the person's in each."""
    if not user.is_authenticated:
        return Team.objects.none()
    mine = Team.objects.filter(memberships__user_id=user.pk)
    return mine.annotate(role=F("memberships__role")).order_by("name", "pk")


def is_member(user: User | AnonymousUser, team: Team | None) -> bool:
    """Whether the person belongs to the team, in whatever role."""
    return role_in(user, team) is not None


def works_in(user: User | AnonymousUser, team: Team | None) -> bool:
    """Whether the person makes and changes things in the team; viewers only look."""
    return role_in(user, team) not in {None, Role.VIEWER}


def teams_worked_in(user: User | AnonymousUser) -> QuerySet[Team]:
    """Teams that the person may put something into, by name."""
    if not user.is_authenticated:
        return Team.objects.none()
    working = Membership.objects.filter(user_id=user.pk).exclude(role=Role.VIEWER)
    return Team.objects.filter(pk__in=working.values("team_id")).order_by("name", "pk")


def current_team(request: Any) -> Team | None:
    """The team a signed-in person is working in: the one chosen in this session, else the first."""
    teams = teams_of(request.user)
    chosen = request.session.get(TEAM_SESSION_KEY) if hasattr(request, "session") else None
    if chosen is not None:
        found = teams.filter(pk=chosen).first()
        if found is not None:
            return found
    return teams.first()


def members_of(team: Team) -> QuerySet[Membership]:
    """Members with their users, owners first, viewers last."""
    rank = Case(*(When(role=role, then=place) for place, role in enumerate(Role.values)))
    return team.memberships.select_related("user").order_by(rank, "user__username", "pk")


def active_person(user_id: int) -> User | None:
    """The person as the rows say now; None for a closed account. For lines and links that last."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def team_for(user: User, slug: str) -> Team:
    """A team that the person is in, with their `role`. Raises NotFound for any other."""
    found = teams_of(user).filter(slug=slug).first()
    if found is None:
        raise NotFound(_("There is no such team, or you are not in it."))
    return found


def member_of(team: Team, user_id: int) -> Membership:
    """One member of the team with their user. Raises NotFound."""
    found = team.memberships.select_related("user").filter(user_id=user_id).first()
    if found is None:
        raise NotFound(_("This person is not in the team any more."))
    return found


def open_invites(viewer: User, team: Team) -> QuerySet[Invite]:
    """Invites that still admit somebody, newest first. Raises NotAllowed for whoever made none."""
    if not can_manage_team(viewer, team):
        raise NotAllowed(_("Only owners and managers of %s can do this.") % team.name)
    waiting = team.invites.filter(accepted_at=None, expires_at__gt=timezone.now())
    return waiting.select_related("created_by").order_by("-created_at", "-pk")


def invite_of(viewer: User, key: str, invites: QuerySet[Invite] | None = None) -> Invite:
    """The invite with this key, with its team and who made it.

    Raises NotFound for an unknown, expired or used one. One's own may be used once more, as long as
    one is still in the team.
    """
    invites = Invite.objects.all() if invites is None else invites
    known = invites.filter(key_hash=key_hash(key), expires_at__gt=timezone.now())
    found = known.select_related("team", "created_by").first()
    if found is not None and found.accepted_at is None:
        return found
    if found is not None and found.accepted_by_id == viewer.pk and is_member(viewer, found.team):
        return found
    raise NotFound(_("This invite is used up or has expired. Ask for a new one."))


def keys_of_username(name: str) -> list[int]:
    """Keys of the people called so, in whatever case; lists ask for them first, see key_lookup."""
    return list(User.objects.filter(username__iexact=name).values_list("pk", flat=True))


def keys_of_usernames(names: Collection[str]) -> list[int]:
    """Keys of the people with one of these names, in whatever case."""
    return [key for name in names for key in keys_of_username(name)]


def people_beginning(text: str) -> list[User]:
    """Active people whose user name begins with the text, in whatever case; none for no text."""
    if not text:
        return []
    found = User.objects.filter(username__istartswith=text, is_active=True)
    return list(found.order_by("username")[:NAMES_OFFERED])


def person_named(username: str) -> User:
    """The person with this name. Raises NotFound; for closed accounts as well."""
    found = User.objects.select_related("avatar").filter(username=username, is_active=True)
    person = found.first()
    if person is None:
        raise NotFound(_("There is nobody of this name here."))
    return person
