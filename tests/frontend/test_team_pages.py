"""The page of a team: roles and handing over, for those who may."""

import pytest
from django.test import Client

from hub.accounts import services
from hub.accounts.models import Membership, Role, Team, User
from tests.factories.accounts import UserFactory, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return UserFactory(username="aoi")


@pytest.fixture
def team(owner: User) -> Team:
    return make_team(owner=owner)


@pytest.fixture
def member(owner: User, team: Team) -> User:
    person = UserFactory(username="linmo")
    services.add_member(actor=owner, team=team, user=person)
    return person


def page_of(client: Client, person: User, team: Team) -> str:
    client.force_login(person)
    return client.get(f"/teams/{team.slug}/").content.decode()


def test_an_owner_makes_a_member_owner_on_the_page(
    client: Client, owner: User, team: Team, member: User
) -> None:
    page = page_of(client, owner, team)
    assert "Role of linmo" in page
    assert "Role of aoi" not in page  # the last owner stays
    client.post(f"/teams/{team.slug}/members/{member.pk}/role/", {"role": "owner"})
    assert Membership.objects.get(user=member).role == Role.OWNER
    assert "Role of aoi" in page_of(client, owner, team)


def test_a_manager_is_not_offered_the_role_of_owner(
    client: Client, owner: User, team: Team, member: User
) -> None:
    services.change_role(actor=owner, team=team, user=member, role=Role.MANAGER)
    page = page_of(client, member, team)
    assert 'value="manager"' in page
    assert 'value="owner"' not in page
    assert "Hand the team over" not in page


def test_a_refused_change_is_said_and_changes_nothing(
    client: Client, owner: User, team: Team, member: User
) -> None:
    client.force_login(member)
    address = f"/teams/{team.slug}/members/{member.pk}/role/"
    answer = client.post(address, {"role": "owner"})
    assert answer.status_code == 403
    assert "Only owners and managers of Night studio can do this." in answer.content.decode()
    assert Membership.objects.get(user=member).role == Role.MEMBER


def test_the_team_is_handed_over_on_the_page(
    client: Client, owner: User, team: Team, member: User
) -> None:
    assert "Hand the team over" in page_of(client, owner, team)
    client.post(f"/teams/{team.slug}/transfer/", {"to": member.pk})
    assert Membership.objects.get(user=member).role == Role.OWNER
    assert Membership.objects.get(user=owner).role == Role.MANAGER


def test_the_team_is_not_handed_to_somebody_outside(
    client: Client, owner: User, team: Team, member: User
) -> None:
    client.force_login(owner)
    answer = client.post(f"/teams/{team.slug}/transfer/", {"to": UserFactory().pk}, follow=True)
    assert "Choose another member to hand the team over to." in answer.content.decode()
    assert Membership.objects.get(user=owner).role == Role.OWNER


def test_an_invite_says_to_which_team_before_one_joins(
    client: Client, owner: User, team: Team
) -> None:
    _invite, key = services.create_invite(actor=owner, team=team, role=Role.VIEWER)
    client.force_login(guest := UserFactory())
    page = client.get(f"/teams/join/{key}/").content.decode()
    assert f"Join {team.name}" in page
    assert f"{owner.public_name} invites you. Your role in the team: Viewer." in page
    client.post(f"/teams/join/{key}/")
    assert Membership.objects.get(user=guest).role == Role.VIEWER


def test_an_invite_that_is_none_says_so_at_once(client: Client) -> None:
    client.force_login(UserFactory())
    answer = client.get("/teams/join/abc/", headers={"Accept-Language": "zh-hans"})
    assert answer.status_code == 404
    assert "邀请已使用过或已过期" in answer.content.decode()


def test_a_stranger_learns_nothing_of_the_team(client: Client, team: Team, member: User) -> None:
    client.force_login(UserFactory())
    for address in (f"members/{member.pk}/role/", "transfer/"):
        assert client.post(f"/teams/{team.slug}/{address}", {"role": "owner"}).status_code == 404


def test_a_manager_renames_the_team_and_its_address_stays(
    client: Client, owner: User, team: Team, member: User
) -> None:
    client.force_login(owner)
    client.post(f"/teams/{team.slug}/rename/", {"name": "  Ink   Studio "})
    assert "<h1>Ink Studio</h1>" in page_of(client, member, team)
    assert "/rename/" not in page_of(client, member, team)


def test_a_team_without_a_name_keeps_the_one_it_has(
    client: Client, owner: User, team: Team
) -> None:
    client.force_login(owner)
    answer = client.post(f"/teams/{team.slug}/rename/", {"name": " "})
    assert answer.status_code == 422
    assert f"<h1>{team.name}</h1>" in answer.content.decode()
    assert "This field is required." in answer.content.decode()


def test_an_open_invite_is_withdrawn_and_its_link_leads_nowhere(
    client: Client, owner: User, team: Team, member: User
) -> None:
    invite, key = services.create_invite(actor=owner, team=team)
    address = f"/teams/{team.slug}/invites/{invite.pk}/withdraw/"
    assert address in page_of(client, owner, team)
    assert address not in page_of(client, member, team)
    client.force_login(owner)
    client.post(address)
    assert address not in page_of(client, owner, team)
    assert client.get(f"/teams/join/{key}/").status_code == 404
