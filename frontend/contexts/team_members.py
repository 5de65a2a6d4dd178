"""Members of a team with what the viewer may do about each."""

from dataclasses import dataclass

from frontend.forms.accounts import TransferForm
from hub.accounts.models import Membership, Role, Team, User
from hub.accounts.permissions import can_choose_owners, can_manage_team
from hub.accounts.queries import members_of


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member; `roles` is empty where the viewer cannot change the role."""

    member: Membership
    roles: list[tuple[str, str]]
    can_remove: bool
    is_self: bool


def member_rows(viewer: User, team: Team) -> list[MemberRow]:
    """All members, owners first."""
    manages, owns = can_manage_team(viewer, team), can_choose_owners(viewer, team)
    members = list(members_of(team))
    owners = sum(member.role == Role.OWNER for member in members)
    rows = []
    for member in members:
        is_owner = member.role == Role.OWNER
        is_last = is_owner and owners == 1
        reach = manages and (owns or not is_owner)
        rows.append(
            MemberRow(
                member=member,
                roles=_roles(with_owner=owns) if reach and not is_last else [],
                can_remove=(reach or member.user_id == viewer.pk) and not is_last,
                is_self=member.user_id == viewer.pk,
            )
        )
    return rows


def heirs_of(viewer: User, team: Team) -> list[tuple[str, str]]:
    """Members to whom an owner can hand the team over, as choices; empty for anybody else."""
    members = list(members_of(team))
    owns = any(row.user_id == viewer.pk and row.role == Role.OWNER for row in members)
    others = [row for row in members if row.user_id != viewer.pk] if owns else []
    return [(str(row.user_id), row.user.public_name) for row in others]


def transfer_form(viewer: User, team: Team) -> TransferForm | None:
    """The form to hand the team over, where there is somebody to take it."""
    heirs = heirs_of(viewer, team)
    return TransferForm(heirs=heirs) if heirs else None


def _roles(*, with_owner: bool) -> list[tuple[str, str]]:
    found = [(str(value), str(label)) for value, label in Role.choices]
    return found if with_owner else [row for row in found if row[0] != Role.OWNER]
