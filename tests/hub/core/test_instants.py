from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def read(instant: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [instant])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-29 20:41:50+00", datetime(2026, 11, 29, 20, 41, 50, tzinfo=UTC)),
        ("2026-11-29 20:41:50.5+00", datetime(2026, 11, 29, 20, 41, 50, 500_000, tzinfo=UTC)),
        ("2026-11-29 20:41:50.000001+00", datetime(2026, 11, 29, 20, 41, 50, 1, tzinfo=UTC)),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        (
            "1850-01-01 01:00:00+05:30",
            datetime(1850, 1, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        ),
    ],
)
def test_an_instant_is_read_to_the_microsecond_and_in_utc(written, expected):
    found = read(written)
    assert found == expected
    assert found.tzinfo is UTC


@pytest.mark.parametrize("written", ["infinity", "20000-01-01 00:00:00+00"])
def test_what_python_has_no_date_for_is_refused_as_before(written):
    with pytest.raises(Exception, match="timestamp"):
        read(written)
