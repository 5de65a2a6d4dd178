"""Connections that one request leaves open and the next one takes over."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, ProgrammingError, connection, connections

from hub.core.kept_connections import base
from hub.core.kept_connections.base import IDLE, DatabaseWrapper, keep_connections

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept() -> Iterator[None]:
    """Two connections may be kept; none is left when the test ends."""
    keep_connections(2)
    yield
    keep_connections(0)
    IDLE.close()


def request() -> DatabaseWrapper:
    """What the thread of a new request has: no connection yet."""
    wrapper = connections.create_connection("default")
    assert isinstance(wrapper, DatabaseWrapper)
    return wrapper


def asked(wrapper: DatabaseWrapper, sql: str = "SELECT pg_backend_pid()") -> int:
    with wrapper.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def backend_of_a_request() -> int:
    wrapper = request()
    pid = asked(wrapper)
    wrapper.close()
    return pid


def test_the_next_request_takes_over_what_the_last_one_left() -> None:
    assert backend_of_a_request() == backend_of_a_request()


def test_two_requests_at_once_have_two_connections() -> None:
    first, second = request(), request()
    pids = {asked(first), asked(second)}
    assert len(pids) == 2
    first.close()
    second.close()
    assert backend_of_a_request() in pids


@pytest.mark.parametrize(("most", "kept_of_three"), [(0, 0), (2, 2), (3, 3)])
def test_no_more_are_kept_than_the_setting_says(most: int, kept_of_three: int) -> None:
    keep_connections(most)
    wrappers = [request() for _ in range(3)]
    for wrapper in wrappers:
        wrapper.ensure_connection()
    opened = [wrapper.connection for wrapper in wrappers]
    for wrapper in wrappers:
        wrapper.close()
    assert sum(not connection.closed for connection in opened) == kept_of_three


def test_a_session_begins_as_a_new_one_does() -> None:
    wrapper = request()
    pid = asked(wrapper)
    wrapper.set_autocommit(False)
    wrapper.close()
    later = request()
    assert asked(later) == pid
    assert asked(later, "SHOW transaction_isolation") == "read committed"
    assert later.get_autocommit()
    assert later.timezone_name == "UTC"
    later.close()


def test_a_session_that_is_left_within_a_transaction_is_closed() -> None:
    wrapper = request()
    wrapper.set_autocommit(False)
    pid = asked(wrapper)
    wrapper.close()
    assert backend_of_a_request() != pid


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT 1 FROM nothing_of_this_name", ProgrammingError),
        ("INSERT INTO accounts_team (id) VALUES (NULL)", IntegrityError),
    ],
)
def test_a_session_goes_on_after_an_error_of_a_query(sql: str, error: type[Exception]) -> None:
    wrapper = request()
    pid = asked(wrapper)
    with pytest.raises(error):
        asked(wrapper, sql)
    wrapper.close_if_unusable_or_obsolete()  # as Django does when a request ends
    assert wrapper.connection is None
    assert backend_of_a_request() == pid


def test_a_connection_whose_server_is_gone_is_not_taken_over() -> None:
    pid = backend_of_a_request()
    asked(connection, f"SELECT pg_terminate_backend({pid}, 5000)")
    assert backend_of_a_request() != pid


def test_a_connection_that_was_long_idle_is_not_taken_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pid = backend_of_a_request()
    assert backend_of_a_request() == pid
    monkeypatch.setattr(base, "IDLE_SECONDS", -1.0)
    assert backend_of_a_request() != pid
