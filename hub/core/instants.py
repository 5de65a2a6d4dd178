"""Instants from PostgreSQL, read as the ISO 8601 that they are.

psycopg takes them apart with a pattern, and Django puts its time zone on each: seven microseconds,
and a list of 100 models has a thousand instants.
"""

from datetime import UTC, datetime

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader

TYPE_NAME = "timestamptz"


class InstantLoader(TimestamptzLoader):
    """Reads `2026-11-29 20:41:50.5+00`, and leaves to psycopg what is no date of our calendar.

    Django looks at `timezone`, and puts its own loader first where a connection wants another.
    """

    timezone = UTC

    def load(self, data: Buffer) -> datetime:
        """An instant in UTC."""
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            return super().load(data)


def read_instants_quickly(connection: BaseDatabaseWrapper, **_facts: object) -> None:
    """Receiver of `connection_created`: for sessions in UTC, as Django asks for by itself."""
    if connection.timezone is UTC:
        connection.connection.adapters.register_loader(TYPE_NAME, InstantLoader)
