import base64
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from hub.accounts.models import User
from hub.core.errors import Invalid
from hub.core.pagination import behind_cursor, encode_cursor, keyset
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
ORDER = ("-date_joined", "-id")


def _walk(limit):
    seen, cursor = [], None
    while True:
        page = keyset(User.objects.all(), order=ORDER, cursor=cursor, limit=limit)
        seen += [user.pk for user in page.items]
        if (cursor := page.next_cursor) is None:
            return seen


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 50])
def test_a_walk_meets_every_row_once_even_where_sort_values_are_equal(limit):
    same = timezone.now()
    users = [UserFactory(date_joined=same) for _ in range(7)]
    assert sorted(_walk(limit)) == sorted(user.pk for user in users)
    assert _walk(limit) == sorted((user.pk for user in users), reverse=True)


def test_a_row_added_during_a_walk_moves_no_other_row():
    users = [UserFactory() for _ in range(4)]
    first = keyset(User.objects.all(), order=("-id",), cursor=None, limit=2)
    UserFactory()
    rest = keyset(User.objects.all(), order=("-id",), cursor=first.next_cursor, limit=9)
    assert [user.pk for user in (*first.items, *rest.items)] == [
        user.pk for user in reversed(users)
    ]


@pytest.mark.parametrize(
    "cursor",
    ["nonsense", "é", "e30", encode_cursor(["2026", {"a": 1}]), encode_cursor([1]), "AAAA===="],
)
def test_a_cursor_that_this_order_did_not_make_is_refused(cursor):
    with pytest.raises(Invalid, match="first page"):
        keyset(User.objects.all(), order=ORDER, cursor=cursor, limit=2)


def test_a_cursor_that_is_nested_too_deep_is_refused():
    deep = base64.urlsafe_b64encode(b"[" * 20_000).decode()
    with pytest.raises(Invalid, match="first page"):
        keyset(User.objects.all(), order=ORDER, cursor=deep, limit=2)


def test_a_cursor_with_a_value_of_the_wrong_kind_is_refused():
    with pytest.raises(Invalid):
        keyset(User.objects.all(), order=ORDER, cursor=encode_cursor(["not a date", 1]), limit=2)


@pytest.mark.parametrize("order", [ORDER, ("date_joined", "id"), ("-date_joined", "id")])
def test_a_walk_follows_its_order_whichever_way_the_columns_run(order):
    same = timezone.now()
    for number in range(6):
        UserFactory(date_joined=same - timedelta(days=number // 2))
    seen, cursor = [], None
    for _ in range(10):
        page = keyset(User.objects.all(), order=order, cursor=cursor, limit=2)
        seen += [user.pk for user in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == list(User.objects.order_by(*order).values_list("pk", flat=True))


def test_the_index_is_entered_at_the_cursor():
    cursor = encode_cursor([timezone.now(), 7])
    rows = behind_cursor(User.objects.order_by(*ORDER), ORDER, cursor)
    assert "ROW(" in str(rows.query)


def _by_key(keys):
    return User.objects.filter(pk__in=keys).order_by("pk")


def test_rows_that_are_loaded_by_their_keys_keep_the_order_and_what_it_is_made_of():
    users = [UserFactory() for _ in range(5)]
    rows, order = User.objects.annotate(double=F("id") * 2), ("-double", "-id")
    first = keyset(rows, order=order, cursor=None, limit=3, load=_by_key)
    rest = keyset(rows, order=order, cursor=first.next_cursor, limit=3, load=_by_key)
    found = [*first.items, *rest.items]
    assert [(user.pk, user.double) for user in found] == [
        (user.pk, user.pk * 2) for user in reversed(users)
    ]
    assert rest.next_cursor is None


def test_a_row_that_is_gone_when_it_is_loaded_is_left_out():
    users = [UserFactory() for _ in range(3)]

    def load(keys):
        User.objects.filter(pk=users[1].pk).delete()
        return _by_key(keys)

    page = keyset(User.objects.all(), order=("id",), cursor=None, limit=3, load=load)
    assert [user.pk for user in page.items] == [users[0].pk, users[2].pk]
