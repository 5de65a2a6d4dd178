"""Who may do what in a team; shared by pages, API and sockets."""

from django.contrib.auth.models import AnonymousUser

from hub.accounts.models import Membership, Role, Team, User

MANAGERS = (Role.OWNER, Role.MANAGER)


def role_in(user: User | AnonymousUser, team: Team) -> str | None:
    """The person's role in the team, or None."""
    if not user.is_authenticated:
        return None
    return (
        Membership.objects.filter(user_id=user.pk, team=team).values_list("role", flat=True).first()
    )


def can_manage_team(user: User | AnonymousUser, team: Team) -> bool:
    """Owners and managers invite, remove and order the queue; administrators always may."""
    return bool(getattr(user, "is_superuser", False)) or role_in(user, team) in MANAGERS


def can_choose_owners(user: User | AnonymousUser, team: Team) -> bool:
    """Owners make and unmake owners; administrators always may."""
    return bool(getattr(user, "is_superuser", False)) or role_in(user, team) == Role.OWNER
