"""One process at a time on a piece of work: a lock of the database, ending with its session."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def sole_work_on(name: str, *, wait: bool = False) -> Iterator[bool]:
    """Whether nobody else works on `name`; held until left, and let go when the process dies.

    With `wait` it is always so, after however long the other one takes.
    """
    key = lock_key(name)
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_lock(%s)", [key])
            is_alone = True
        else:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
            is_alone = bool(cursor.fetchone()[0])
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def lock_key(name: str) -> int:
    """The number under which PostgreSQL knows the lock of a piece of work."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
