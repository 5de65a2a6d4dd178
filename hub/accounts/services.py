"""Changes to teams, invites and tokens."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from hub.accounts.keys import key_hash
from hub.accounts.models import ApiToken, Invite, Membership, Role, Scope, Team, User
from hub.accounts.permissions import can_choose_owners, can_manage_team
from hub.accounts.queries import invite_of
from hub.core import audit
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from hub.core.live import look_again_at
from hub.core.seen import laid_over

INVITE_DAYS = 7
RESERVED_SLUGS = frozenset({"join", "new"})  # they are pages
TOKEN_PREFIX = "atl_"  # noqa: S105  a marker that secret scanners can look for


def create_team(*, actor: User, name: str) -> Team:
    """A new team with the actor as its owner."""
    name = " ".join(name.split())
    if not name:
        raise Invalid(_("A team needs a name."))
    with transaction.atomic():
        team = Team.objects.create(name=name[:80], slug=_free_slug(name), created_by=actor)
        Membership.objects.create(team=team, user=actor, role=Role.OWNER)
        audit.record(actor=actor, action="team.create", target=team)
    return team


def rename_team(*, actor: User, team: Team, name: str) -> Team:
    """Give the team another name; its address stays."""
    _require_manager(actor, team)
    name = " ".join(name.split())
    if not name:
        raise Invalid(_("A team needs a name."))
    with transaction.atomic():
        team.name = name[:80]
        team.save(update_fields=["name", "updated_at"])
        audit.record(actor=actor, action="team.rename", target=team)
    return team


def add_member(*, actor: User, team: Team, user: User, role: str = Role.MEMBER) -> Membership:
    """Put a person into the team; twice is the same as once."""
    _require_manager(actor, team)
    _require_right_to_give(actor, team, role)
    with transaction.atomic():
        member, made = Membership.objects.get_or_create(
            team=team, user=user, defaults={"role": role}
        )
        if made:
            audit.record(
                actor=actor, action="team.add_member", target=team, detail={"user": user.pk}
            )
    return member


def remove_member(*, actor: User, team: Team, user: User) -> None:
    """Take a person out of the team; the last owner cannot leave, only owners remove owners."""
    if actor.pk != user.pk:
        _require_manager(actor, team)
    with transaction.atomic():
        owners = _locked_owners(team)
        if user.pk in owners and actor.pk != user.pk and not can_choose_owners(actor, team):
            raise NotAllowed(_("Only an owner of %s can do this to another owner.") % team.name)
        if owners == {user.pk}:
            raise Conflict(_("The last owner cannot leave. Make another member owner first."))
        gone, _rows = Membership.objects.filter(team=team, user=user).delete()
        if gone:
            Invite.objects.filter(team=team, created_by=user, accepted_at=None).delete()
            audit.record(
                actor=actor, action="team.remove_member", target=team, detail={"user": user.pk}
            )
            look_again_at(user.pk)


def change_role(*, actor: User, team: Team, user: User, role: str) -> Membership:
    """Give a member another role; a team always keeps an owner.

    Managers choose between viewer, member and manager, owners also make and unmake owners. Raises
    NotFound for a person who is not in the team, Conflict for the last owner.
    """
    _require_manager(actor, team)
    _require_right_to_give(actor, team, role)
    with transaction.atomic():
        owners = _locked_owners(team)
        member = Membership.objects.select_for_update().filter(team=team, user=user).first()
        if member is None:
            raise NotFound(_("This person is not in the team any more."))
        if member.role == Role.OWNER:
            _require_right_to_give(actor, team, Role.OWNER)
        if owners == {user.pk} and role != Role.OWNER:
            raise Conflict(_("A team needs an owner. Make another member owner first."))
        if role != member.role:
            detail = {"user": user.pk, "from": member.role, "to": role}
            member.role = role
            member.save(update_fields=["role"])
            audit.record(actor=actor, action="team.change_role", target=team, detail=detail)
    return member


def transfer_ownership(*, actor: User, team: Team, user: User) -> None:
    """Make another member owner and oneself manager, both or neither."""
    if actor.pk == user.pk:
        raise Invalid(_("Choose another member to hand the team over to."))
    with transaction.atomic():
        change_role(actor=actor, team=team, user=user, role=Role.OWNER)
        change_role(actor=actor, team=team, user=actor, role=Role.MANAGER)


def create_invite(*, actor: User, team: Team, role: str = Role.MEMBER) -> tuple[Invite, str]:
    """A link key that admits one person for a week; the key is returned once and not kept."""
    _require_manager(actor, team)
    _require_right_to_give(actor, team, role)
    key = secrets.token_urlsafe(24)
    with transaction.atomic():
        invite = Invite.objects.create(
            team=team,
            role=role,
            key_hash=key_hash(key),
            created_by=actor,
            expires_at=timezone.now() + timedelta(days=INVITE_DAYS),
        )
        audit.record(actor=actor, action="team.invite", target=team)
    return invite, key


def revoke_invite(*, actor: User, team: Team, invite_id: UUID) -> None:
    """Make an open invite of the team useless. Raises NotFound for one that is none, or used."""
    _require_manager(actor, team)
    with transaction.atomic():
        gone, _rows = Invite.objects.filter(pk=invite_id, team=team, accepted_at=None).delete()
        if not gone:
            raise NotFound(_("There is no such invite, or it was used."))
        audit.record(actor=actor, action="team.revoke_invite", target=team)


def accept_invite(*, actor: User, key: str) -> Team:
    """Join the team of an invite; NotFound for an unknown, used or expired key."""
    with transaction.atomic():
        invite = invite_of(actor, key, Invite.objects.select_for_update(of=("self",)))
        Membership.objects.get_or_create(
            team=invite.team, user=actor, defaults={"role": invite.role}
        )
        invite.accepted_by, invite.accepted_at = actor, timezone.now()
        invite.save(update_fields=["accepted_by", "accepted_at"])
        audit.record(actor=actor, action="team.join", target=invite.team)
    return invite.team


def create_api_token(
    *, actor: User, name: str, scopes: list[str], expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new key for programs; the key is returned once, only its hash is kept."""
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        raise Invalid(_("Choose at least one of the scopes: %s.") % ", ".join(Scope.values))
    key = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=actor,
            name=name.strip()[:80] or "token",
            prefix=key[:12],
            key_hash=key_hash(key),
            scopes=sorted(set(scopes)),
            expires_at=expires_at,
        )
        audit.record(actor=actor, action="token.create", target=token)
    return token, key


def revoke_api_token(*, actor: User, token: ApiToken) -> None:
    """Make a key of the actor's useless from now on."""
    if token.user_id != actor.pk and not actor.is_superuser:
        raise NotFound(_("There is no such token."))
    with transaction.atomic():
        audit.record(actor=actor, action="token.revoke", target=token)
        token.delete()


def user_for_token(key: str) -> tuple[User, ApiToken] | None:
    """Owner and token of a live key, else None; notes the use at most once a minute."""
    now = timezone.now()
    token = ApiToken.objects.select_related("user").filter(key_hash=key_hash(key)).first()
    if token is None or not token.user.is_active:
        return None
    if token.expires_at is not None and token.expires_at <= now:
        return None
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user, token


def set_preferences(*, user: User, language: str | None = None, theme: str | None = None) -> User:
    """Remember the person's language or theme; None leaves it as it is."""
    changed: list[str] = []
    if language is not None:
        user.language, changed = language, [*changed, "language"]
    if theme is not None:
        user.theme, changed = theme, [*changed, "theme"]
    if changed:
        user.save(update_fields=changed)
    return user


def update_profile(
    *, user: User, first_name: str, bio: str, seen: Mapping[str, str] = MappingProxyType({})
) -> User:
    """What others see of the person; raises ChangedMeanwhile where another page changed the same.

    `seen` are marks of what the page showed.
    """
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        typed = {"first_name": first_name.strip(), "bio": bio.strip()}
        for name, value in laid_over(locked, typed, seen).items():
            setattr(user, name, value)
        user.save(update_fields=["first_name", "bio"])
    return user


def _require_manager(actor: User, team: Team) -> None:
    if not can_manage_team(actor, team):
        raise NotAllowed(_("Only owners and managers of %s can do this.") % team.name)


def _require_right_to_give(actor: User, team: Team, role: str) -> None:
    if role not in Role.values:
        raise Invalid(_("A role is one of: %s.") % ", ".join(Role.values))
    if role == Role.OWNER and not can_choose_owners(actor, team):
        raise NotAllowed(_("Only an owner of %s can make or unmake owners.") % team.name)


def _locked_owners(team: Team) -> set[int]:
    """Ids of the team's owners, their rows locked: no two of them leave at the same moment."""
    rows = Membership.objects.select_for_update().filter(team=team, role=Role.OWNER)
    return set(rows.order_by("pk").values_list("user_id", flat=True))


def _free_slug(name: str) -> str:
    base = slugify(name, allow_unicode=False)[:60] or f"team-{secrets.token_hex(3)}"
    if base not in RESERVED_SLUGS and not Team.objects.filter(slug=base).exists():
        return base
    return f"{base}-{secrets.token_hex(3)}"
