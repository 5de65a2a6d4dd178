"""PostgreSQL as Django speaks to it; what one request leaves open, the next one takes over.

Under ASGI every request has a thread of its own, and Django's persistent connections belong to
threads. A new connection costs 20 to 30 ms of processor time: PostgreSQL starts a process, which
reads its catalogue anew for the first query of each table. Django's own pool makes requests wait
for each other, and waits longer and longer for a database that was away (docs/adr/0048).

Named by ENGINE in the settings; nothing is kept until `keep_connections` is called.
"""

from __future__ import annotations

import select
import time
from collections import deque
from typing import Any

from django.db.backends.postgresql import base as postgresql
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from psycopg import Connection
from psycopg.pq import TransactionStatus

#: Nothing between here and the database drops a connection that was used as recently as this.
IDLE_SECONDS = 300.0


class IdleConnections:
    """Open connections that nobody uses, up to `most`; the last one in is the first one out."""

    def __init__(self) -> None:
        self.most = 0
        self._idle: deque[tuple[Connection[Any], float]] = deque()

    def put(self, connection: Connection[Any]) -> bool:
        """Whether the connection is kept; otherwise it has to be closed."""
        if len(self._idle) >= self.most or not _is_at_rest(connection):
            return False
        self._idle.append((connection, time.monotonic()))
        return True

    def take(self) -> Connection[Any] | None:
        """One that still leads to the database; those that do not are closed."""
        while self._idle:
            try:
                connection, since = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if time.monotonic() - since <= IDLE_SECONDS and not _has_news(connection):
                return connection
            connection.close()
        return None

    def close(self) -> None:
        """Close all of them."""
        while self._idle:
            self._idle.pop()[0].close()


IDLE = IdleConnections()


def keep_connections(most: int) -> None:
    """Keep up to `most` connections between the requests of this process."""
    IDLE.most = most


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """Django's, which opens a connection only where none is idle, and leaves it open at the end."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        """An idle connection, which is as new: sessions end at rest and settings stay in them."""
        connection = IDLE.take()
        if connection is None:
            opened: Connection[Any] = super().get_new_connection(conn_params)
            return opened
        self.isolation_level = IsolationLevel.READ_COMMITTED  # as for a new one
        return connection

    def _close(self) -> None:
        is_sound = self.connection is not None and not self.errors_occurred
        if not (is_sound and not self.in_atomic_block and IDLE.put(self.connection)):
            super()._close()  # type: ignore[misc]  # the stubs lack it


def _is_at_rest(connection: Connection[Any]) -> bool:
    return not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE


def _has_news(connection: Connection[Any]) -> bool:
    """Whether something came that nobody asked for: mostly, that the server is gone."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
