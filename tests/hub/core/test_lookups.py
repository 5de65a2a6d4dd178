import pytest
from django.db.models import BooleanField, ExpressionWrapper, Q

from hub.accounts.models import User
from hub.core.lookups import KeyedRows, among, by_bitmap, keys_of, marked_keys_of, row_of
from hub.core.models import AuditEvent
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


def test_keys_are_marked_by_an_annotation(people):
    held = ExpressionWrapper(Q(username__in=["bert", "dora"]), output_field=BooleanField())
    rows = User.objects.annotate(held_so=held).order_by("-username")
    assert list(marked_keys_of(rows[:2], "held_so").items()) == [
        (people[3].pk, True),
        (people[2].pk, False),
    ]
    assert marked_keys_of(rows.filter(username="nobody"), "held_so") == {}
    assert marked_keys_of(rows.none(), "held_so") == {}


def test_what_was_typed_stays_a_parameter(people):
    rows = User.objects.filter(username="'; drop table x; -- %s")
    assert keys_of(rows) == []


def test_a_query_that_was_put_together_once_gives_the_rows_of_other_keys(people):
    rows = KeyedRows(
        lambda keys: (
            User.objects.filter(among("pk", keys), is_active=True)
            .order_by("-username")
            .values_list("username", "date_joined")
        )
    )
    assert [name for name, _joined in rows(person.pk for person in people[:2])] == ["bert", "anna"]
    assert rows([people[3].pk]) == [("dora", people[3].date_joined)]
    assert rows([]) == []


def test_columns_that_python_has_to_read_are_read(people):
    event = AuditEvent.objects.create(actor=people[0], action="a", detail={"n": [1, "%s"]})
    rows = KeyedRows(
        lambda keys: AuditEvent.objects.filter(among("actor", keys)).values_list("id", "detail")
    )
    assert rows([people[0].pk]) == [(event.pk, {"n": [1, "%s"]})]


def test_a_row_of_values_is_a_row_of_the_orm(people, django_assert_num_queries):
    anna = row_of(User, ("id", "username"), (people[0].pk, "anna"), avatar=None)
    with django_assert_num_queries(0):
        assert (anna, anna.username, anna.avatar) == (people[0], "anna", None)
    with django_assert_num_queries(1):
        assert anna.email == people[0].email
    anna.bio = "draws"
    anna.save(update_fields=["bio"])
    assert User.objects.get(pk=anna.pk).bio == "draws"


def test_settings_for_one_query_end_with_it(people):
    with by_bitmap():
        plan = User.objects.filter(pk=people[0].pk).explain()
    assert "Bitmap" in plan
    assert "Bitmap" not in User.objects.filter(pk=people[0].pk).explain()
