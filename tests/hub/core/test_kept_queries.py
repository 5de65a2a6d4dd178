import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef

from hub.accounts.kept_queries import RowsForViewer
from hub.accounts.models import Membership, Team, User
from hub.core.kept_queries import KeptRows, attach_rows
from hub.core.lookups import among
from tests.factories.accounts import UserFactory, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def teams() -> list[Team]:
    return [make_team(name=name) for name in ("Ink", "Oil", "Wax")]


def test_a_kept_query_gives_the_rows_of_other_keys_with_what_is_joined(
    teams, django_assert_num_queries
):
    rows = KeptRows(
        lambda keys, name: (
            Team.objects.filter(among("pk", keys))
            .exclude(name=name)
            .annotate(has_members=Exists(Membership.objects.filter(team=OuterRef("pk"))))
            .select_related("created_by")
            .order_by("name")
        )
    )
    keys = [team.pk for team in teams]
    assert rows(keys, "Oil") == [teams[0], teams[2]]
    with django_assert_num_queries(1):
        (found,) = rows(keys[:2], "Ink")
        assert (found, found.created_by) == (teams[1], teams[1].created_by)
    assert found.has_members
    assert rows([], "Ink") == []
    assert [team.name for team in rows(keys, "'; drop table x; -- %s")] == ["Ink", "Oil", "Wax"]


def test_columns_come_as_they_were_asked_for_and_none_where_nothing_can_be_found(teams):
    names = KeptRows(lambda key: Team.objects.filter(pk=key).values_list("name", "created_by_id"))
    assert names(teams[0].pk) == [("Ink", teams[0].created_by_id)]
    assert names(teams[2].pk) == [("Wax", teams[2].created_by_id)]
    nothing = KeptRows(lambda key: Team.objects.filter(pk=key).none())
    assert nothing(teams[0].pk) == nothing(teams[1].pk) == []


def test_what_would_be_prefetched_for_the_first_keys_only_is_refused(teams):
    rows = KeptRows(lambda key: Team.objects.filter(pk=key).prefetch_related("memberships"))
    with pytest.raises(ValueError, match="first keys"):
        rows(teams[0].pk)


def test_guests_people_and_administrators_each_have_a_query_of_their_own(teams):
    def teams_seen_by(viewer, name):
        rows = Team.objects.exclude(name=name).order_by("name")
        if not viewer.is_authenticated:
            return rows.none()
        return rows if viewer.is_superuser else rows.filter(memberships__user_id=viewer.pk)

    rows = RowsForViewer(teams_seen_by)
    for _twice in range(2):
        assert rows(AnonymousUser(), "Oil") == []
        assert rows(teams[0].created_by, "Oil") == [teams[0]]
        assert rows(teams[1].created_by, "Oil") == []
        assert rows(UserFactory(is_superuser=True), "Oil") == [teams[0], teams[2]]


def test_rows_are_attached_as_a_prefetch_leaves_them(teams, django_assert_num_queries):
    people = [UserFactory(), UserFactory()]
    other = Membership.objects.create(team=teams[0], user=people[0], role="viewer")
    found = list(Membership.objects.filter(team__in=teams[:2]).order_by("pk"))
    attach_rows(teams, "memberships", found)
    prefetched = list(Team.objects.order_by("pk").prefetch_related("memberships")[:2])
    with django_assert_num_queries(0):
        assert [set(team.memberships.all()) for team in teams] == [
            *(set(team.memberships.all()) for team in prefetched),
            set(),
        ]
        assert all(row.team is team for team in teams for row in team.memberships.all())
    assert teams[0].memberships.get(role="viewer") == other
    assert not teams[1].memberships.filter(role="viewer").exists()
    assert isinstance(teams[0].created_by, User)
