"""Members and invites of a team, by key."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from hub.accounts.models import Invite, Membership, Role, Scope, Team, User
from tests.factories.accounts import UserFactory, make_team

pytestmark = pytest.mark.django_db

ALL = [str(scope) for scope in Scope]


@pytest.fixture
def owner() -> User:
    return UserFactory(username="boss")


@pytest.fixture
def team(owner: User) -> Team:
    return make_team(owner=owner, name="Night studio")


def joined(team: Team, name: str, role: str = Role.MEMBER) -> User:
    person = UserFactory(username=name)
    Membership.objects.create(team=team, user=person, role=role)
    return person


def test_a_member_sees_who_is_in_the_team_and_a_stranger_does_not(api_of, team, owner) -> None:
    viewer = joined(team, "mika", Role.VIEWER)
    listed = api_of(viewer, [Scope.MODELS_READ]).get("teams/night-studio/members/")["items"]
    assert [(row["person"]["username"], row["role"]) for row in listed] == [
        ("boss", "owner"),
        ("mika", "viewer"),
    ]
    stranger = api_of(UserFactory())
    assert stranger.get("teams/night-studio/members/", status=404)["code"] == "not_found"
    assert api_of(viewer).get("teams/night-studio/invites/", status=403)["code"] == "not_allowed"


def test_the_number_of_queries_does_not_grow_with_the_members(
    api_of, team, owner, django_assert_max_num_queries
) -> None:
    program = api_of(owner)
    for number in range(4):
        joined(team, f"person-{number}")
    program.get("teams/")  # notes the use of the key
    with django_assert_max_num_queries(3):
        assert len(program.get("teams/night-studio/members/")["items"]) == 5


def test_an_owner_adds_people_changes_their_role_and_takes_them_out(api_of, team, owner) -> None:
    program, person = api_of(owner), UserFactory(username="yuki")
    path = f"teams/night-studio/members/{person.pk}/"
    added = program.post("teams/night-studio/members/", {"username": "yuki", "role": "viewer"})
    assert (added["person"]["id"], added["role"]) == (person.pk, "viewer")
    assert program.patch(path, {"role": "manager"})["role"] == "manager"
    assert program.patch(path, {"role": "king"}, status=400)["code"] == "invalid"
    program.delete(path)
    assert program.delete(path, status=404)["code"] == "not_found"
    nobody = program.post("teams/night-studio/members/", {"username": "nobody"}, status=404)
    assert nobody["code"] == "not_found"


def test_one_leaves_with_ones_own_id_and_the_last_owner_cannot(api_of, team, owner) -> None:
    person = joined(team, "yuki")
    api_of(person).delete(f"teams/night-studio/members/{person.pk}/")
    assert not Membership.objects.filter(user=person).exists()
    refused = api_of(owner).delete(f"teams/night-studio/members/{owner.pk}/", status=409)
    assert refused["code"] == "conflict"


def test_members_change_nobody_and_managers_make_no_owner(api_of, team, owner) -> None:
    member, manager = joined(team, "yuki"), joined(team, "mika", Role.MANAGER)
    path = f"teams/night-studio/members/{member.pk}/"
    assert api_of(member).patch(path, {"role": "manager"}, status=403)["code"] == "not_allowed"
    assert api_of(manager).patch(path, {"role": "owner"}, status=403)["code"] == "not_allowed"
    assert api_of(manager).patch(path, {"role": "viewer"})["role"] == "viewer"


def test_an_invite_tells_its_key_once_and_admits_one_person(api_of, team, owner) -> None:
    program, guest = api_of(owner), api_of(UserFactory(username="yuki"))
    made = program.post("teams/night-studio/invites/", {"role": "viewer"})
    assert made["url"].endswith(f"/teams/join/{made['key']}/")
    (listed,) = program.get("teams/night-studio/invites/")["items"]
    assert (listed["id"], listed["role"], "key" in listed) == (made["id"], "viewer", False)
    joined_team = guest.post("teams/join/", {"key": made["key"]}, status=200)
    assert (joined_team["slug"], joined_team["role"]) == ("night-studio", "viewer")
    assert program.get("teams/night-studio/invites/")["items"] == []
    other = api_of(UserFactory())
    assert other.post("teams/join/", {"key": made["key"]}, status=404)["code"] == "not_found"


def test_an_invite_is_revoked_by_its_team_and_an_expired_one_is_not_listed(
    api_of, team, owner
) -> None:
    program = api_of(owner)
    made = program.post("teams/night-studio/invites/")
    elsewhere = make_team(name="Elsewhere")
    foreign = api_of(elsewhere.created_by)
    foreign.delete(f"teams/{elsewhere.slug}/invites/{made['id']}/", status=404)
    program.delete(f"teams/night-studio/invites/{made['id']}/")
    program.delete(f"teams/night-studio/invites/{made['id']}/", status=404)
    program.post("teams/night-studio/invites/")
    Invite.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert program.get("teams/night-studio/invites/")["items"] == []


@pytest.mark.parametrize("missing", ALL)
def test_only_a_key_with_every_scope_changes_a_team(
    missing: str, api_of: Callable, team: Team, owner: User
) -> None:
    narrow = api_of(owner, [scope for scope in ALL if scope != missing])
    for call, path in (
        (narrow.post, "teams/night-studio/members/"),
        (narrow.post, "teams/night-studio/invites/"),
        (narrow.delete, f"teams/night-studio/members/{owner.pk}/"),
        (narrow.post, "teams/join/"),
    ):
        refused = call(path, status=403)
        assert refused["code"] == "scope_missing"
        assert missing in refused["error"]


def test_a_team_is_made_and_renamed_and_its_address_stays(api_of) -> None:
    person = UserFactory(username="yuki")
    program = api_of(person, ALL)
    made = program.post("teams/", {"name": "  Ink   Studio "})
    assert (made["name"], made["slug"], made["role"]) == ("Ink Studio", "ink-studio", "owner")
    renamed = program.patch("teams/ink-studio/", {"name": "Paper Studio"})
    assert (renamed["name"], renamed["slug"]) == ("Paper Studio", "ink-studio")
    assert program.get("teams/ink-studio/") == renamed
    assert program.patch("teams/ink-studio/", {"name": " "}, status=400)["code"] == "invalid"
    narrow = api_of(person, [Scope.MODELS_WRITE])
    assert narrow.post("teams/", {"name": "More"}, status=403)["code"] == "scope_missing"
