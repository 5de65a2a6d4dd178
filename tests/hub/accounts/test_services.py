from datetime import timedelta

import pytest
from django.utils import timezone

from hub.accounts import queries, services
from hub.accounts.models import ApiToken, Invite, Membership, Role
from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from hub.core.models import AuditEvent
from tests.factories.accounts import UserFactory, make_team

pytestmark = pytest.mark.django_db


def test_the_maker_of_a_team_owns_it_and_an_audit_row_says_so():
    person = UserFactory()
    team = services.create_team(actor=person, name="  Night   studio ")
    assert team.name == "Night studio"
    assert Membership.objects.get(team=team).role == Role.OWNER
    assert AuditEvent.objects.get(action="team.create").actor == person


def test_two_teams_of_one_name_and_a_chinese_name_get_addresses_of_their_own():
    slugs = {services.create_team(actor=UserFactory(), name=n).slug for n in ("夜", "A", "A")}
    assert len(slugs) == 3
    assert all(slugs)


def test_a_team_without_a_name_is_refused():
    with pytest.raises(Invalid):
        services.create_team(actor=UserFactory(), name="   ")


def test_only_owners_and_managers_add_members():
    owner, member, other = UserFactory(), UserFactory(), UserFactory()
    team = make_team(owner=owner)
    services.add_member(actor=owner, team=team, user=member)
    services.add_member(actor=owner, team=team, user=member)
    assert team.memberships.count() == 2
    with pytest.raises(NotAllowed, match=team.name):
        services.add_member(actor=member, team=team, user=other)


def test_the_last_owner_cannot_leave_but_a_member_can():
    owner, member = UserFactory(), UserFactory()
    team = make_team(owner=owner)
    services.add_member(actor=owner, team=team, user=member)
    with pytest.raises(Conflict):
        services.remove_member(actor=owner, team=team, user=owner)
    services.remove_member(actor=member, team=team, user=member)
    assert not queries.is_member(member, team)


def test_an_invite_admits_one_person_and_its_key_is_not_kept():
    owner, first, second = UserFactory(), UserFactory(), UserFactory()
    team = make_team(owner=owner)
    invite, key = services.create_invite(actor=owner, team=team)
    assert key not in invite.key_hash
    assert services.accept_invite(actor=first, key=key) == team
    assert services.accept_invite(actor=first, key=key) == team
    with pytest.raises(NotFound):
        services.accept_invite(actor=second, key=key)
    assert queries.is_member(first, team)
    assert not queries.is_member(second, team)


def test_an_expired_invite_is_refused():
    owner = UserFactory()
    _invite, key = services.create_invite(actor=owner, team=make_team(owner=owner))
    Invite.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        services.accept_invite(actor=UserFactory(), key=key)


def test_a_token_works_until_it_is_revoked():
    person = UserFactory()
    token, key = services.create_api_token(actor=person, name="cli", scopes=["models:read"])
    assert key not in token.key_hash
    assert token.scope_names == ["See and download models"]
    assert services.user_for_token(key) == (person, token)
    services.revoke_api_token(actor=person, token=token)
    assert services.user_for_token(key) is None


def test_a_token_ends_with_its_date_and_with_its_person():
    person = UserFactory()
    _token, key = services.create_api_token(
        actor=person, name="cli", scopes=["models:read"], expires_at=timezone.now()
    )
    assert services.user_for_token(key) is None
    ApiToken.objects.update(expires_at=None)
    assert services.user_for_token(key) is not None
    person.is_active = False
    person.save(update_fields=["is_active"])
    assert services.user_for_token(key) is None


@pytest.mark.parametrize("scopes", [[], ["everything"], ["models:read", "x"]])
def test_a_token_needs_scopes_that_exist(scopes):
    with pytest.raises(Invalid, match="models:read"):
        services.create_api_token(actor=UserFactory(), name="cli", scopes=scopes)


def test_another_persons_token_cannot_be_revoked():
    token, _key = services.create_api_token(actor=UserFactory(), name="cli", scopes=["models:read"])
    with pytest.raises(NotFound):
        services.revoke_api_token(actor=UserFactory(), token=token)


def test_who_was_removed_cannot_come_back_by_a_used_or_own_invite():
    owner, manager, guest = UserFactory(), UserFactory(), UserFactory()
    team = make_team(owner=owner)
    _first, key = services.create_invite(actor=owner, team=team, role=Role.MANAGER)
    services.accept_invite(actor=manager, key=key)
    _second, own_key = services.create_invite(actor=manager, team=team)
    services.remove_member(actor=owner, team=team, user=manager)
    with pytest.raises(NotFound):
        services.accept_invite(actor=manager, key=key)
    with pytest.raises(NotFound):
        services.accept_invite(actor=guest, key=own_key)
