import pytest
from django.db.models import BooleanField, ExpressionWrapper, Q

from hub.accounts.models import User
from hub.core.lookups import among, keys_of
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[User]:
    return [UserFactory(username=name) for name in ("anna", "bert", "cleo", "dora")]


def test_rows_are_found_by_many_keys_or_by_none(people):
    wanted = [people[0].pk, people[2].pk, 10**12]
    found = User.objects.filter(among("pk", wanted)).order_by("username")
    assert [person.username for person in found] == ["anna", "cleo"]
    assert not User.objects.filter(among("pk", [])).exists()


def test_keys_come_in_the_order_of_the_rows_and_as_many_as_were_asked_for(people):
    backwards = User.objects.order_by("-username")
    assert keys_of(backwards[1:3]) == [people[2].pk, people[1].pk]
    assert keys_of(backwards.filter(username="nobody")) == []
    assert keys_of(User.objects.none()) == []


def test_of_cut_rows_those_are_kept_for_which_an_annotation_holds(people):
    held = ExpressionWrapper(Q(username__in=["bert", "dora"]), output_field=BooleanField())
    rows = User.objects.annotate(held_so=held).order_by("-username")
    assert keys_of(rows[:2], where="held_so") == [people[3].pk]


def test_what_was_typed_stays_a_parameter(people):
    rows = User.objects.filter(username="'; drop table x; -- %s")
    assert keys_of(rows) == []
