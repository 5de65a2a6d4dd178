"""Who gives which role, and that a team always keeps an owner."""

import pytest

from hub.accounts import queries, services
from hub.accounts.models import Membership, Role, Team, User
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from hub.core.models import AuditEvent
from tests.factories.accounts import UserFactory, make_team

pytestmark = pytest.mark.django_db


def role_of(user: User, team: Team) -> str:
    return Membership.objects.get(user=user, team=team).role


@pytest.fixture
def owner() -> User:
    return UserFactory()


@pytest.fixture
def team(owner: User) -> Team:
    return make_team(owner=owner)


def joined(team: Team, owner: User, role: str = Role.MEMBER) -> User:
    person = UserFactory()
    services.add_member(actor=owner, team=team, user=person, role=role)
    return person


def test_an_owner_gives_any_role_and_an_audit_row_names_both(team: Team, owner: User) -> None:
    person = joined(team, owner)
    for role in (Role.MANAGER, Role.OWNER, Role.MEMBER):
        services.change_role(actor=owner, team=team, user=person, role=role)
        assert role_of(person, team) == role
    told = AuditEvent.objects.filter(action="team.change_role").order_by("pk")
    assert [row.detail["to"] for row in told] == ["manager", "owner", "member"]
    assert told[0].detail == {"user": person.pk, "from": "member", "to": "manager"}


def test_the_same_role_again_changes_and_tells_nothing(team: Team, owner: User) -> None:
    person = joined(team, owner)
    services.change_role(actor=owner, team=team, user=person, role=Role.MEMBER)
    assert not AuditEvent.objects.filter(action="team.change_role").exists()


def test_a_manager_makes_managers_but_no_owner_and_unmakes_none(team: Team, owner: User) -> None:
    manager, member = joined(team, owner, Role.MANAGER), joined(team, owner)
    services.change_role(actor=manager, team=team, user=member, role=Role.MANAGER)
    assert role_of(member, team) == Role.MANAGER
    for user, role in ((member, Role.OWNER), (manager, Role.OWNER), (owner, Role.MEMBER)):
        with pytest.raises(NotAllowed, match=team.name):
            services.change_role(actor=manager, team=team, user=user, role=role)
    assert role_of(owner, team) == Role.OWNER


def test_a_manager_cannot_invite_or_add_an_owner(team: Team, owner: User) -> None:
    manager = joined(team, owner, Role.MANAGER)
    with pytest.raises(NotAllowed):
        services.create_invite(actor=manager, team=team, role=Role.OWNER)
    with pytest.raises(NotAllowed):
        services.add_member(actor=manager, team=team, user=UserFactory(), role=Role.OWNER)


def test_a_member_changes_no_role(team: Team, owner: User) -> None:
    member = joined(team, owner)
    with pytest.raises(NotAllowed):
        services.change_role(actor=member, team=team, user=member, role=Role.MANAGER)


def test_the_last_owner_stays_owner_until_there_is_another(team: Team, owner: User) -> None:
    person = joined(team, owner)
    with pytest.raises(Conflict):
        services.change_role(actor=owner, team=team, user=owner, role=Role.MEMBER)
    services.change_role(actor=owner, team=team, user=person, role=Role.OWNER)
    services.change_role(actor=owner, team=team, user=owner, role=Role.MEMBER)
    assert role_of(owner, team) == Role.MEMBER
    services.remove_member(actor=owner, team=team, user=owner)


def test_only_an_owner_takes_another_owner_out(team: Team, owner: User) -> None:
    manager, second = joined(team, owner, Role.MANAGER), joined(team, owner, Role.OWNER)
    with pytest.raises(NotAllowed):
        services.remove_member(actor=manager, team=team, user=second)
    services.remove_member(actor=owner, team=team, user=second)
    assert not queries.is_member(second, team)


def test_handing_the_team_over_swaps_both_roles_or_none(team: Team, owner: User) -> None:
    heir, stranger = joined(team, owner), UserFactory()
    with pytest.raises(NotFound):
        services.transfer_ownership(actor=owner, team=team, user=stranger)
    with pytest.raises(Invalid):
        services.transfer_ownership(actor=owner, team=team, user=owner)
    assert role_of(owner, team) == Role.OWNER
    services.transfer_ownership(actor=owner, team=team, user=heir)
    assert (role_of(heir, team), role_of(owner, team)) == (Role.OWNER, Role.MANAGER)
    with pytest.raises(NotAllowed):
        services.transfer_ownership(actor=owner, team=team, user=heir)


def test_an_unknown_role_is_refused(team: Team, owner: User) -> None:
    with pytest.raises(Invalid, match="manager"):
        services.change_role(actor=owner, team=team, user=owner, role="king")


def test_members_come_owners_first_then_managers(team: Team, owner: User) -> None:
    joined(team, owner)
    joined(team, owner, Role.MANAGER)
    assert [row.role for row in queries.members_of(team)] == ["owner", "manager", "member"]
