"""The rows that the migrations leave: taken once, and put back after each test that commits.

Django empties every table after such a test, and lets its signals write content types and
permissions anew: the better part of a second, on a database of a few rows. Here only the tables
that hold rows are emptied, and what the migrations had left in them comes back, so that every test
finds the same database.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from psycopg import sql

KEPT = "rows_of_the_migrations"
TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    " AND tablename <> 'django_migrations' ORDER BY tablename"
)
# The server works out generated columns by itself.
COLUMNS = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    " AND attgenerated = '' AND NOT attisdropped"
)


class InitialRows:
    """What there is when it is made."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            ((self._may_skip_keys,),) = cursor.fetchall()
            cursor.execute(TABLES)
            names = [name for (name,) in cursor]
            every = sql.SQL(", ").join(map(_own, names))
            self._lock = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(every)
            self._which = sql.SQL(" UNION ALL ").join(map(_has_rows, names))
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(KEPT)))
            self._fill = [_keep(cursor, name) for name in self._filled(cursor)]

    def put_back(self) -> None:
        """Leave the tables as they were; waits for whoever still writes.

        In any order: where we may say so, no foreign key is looked at, since those rows held
        before; else Django's are looked at when the transaction ends, which takes most of the time.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(self._lock)
            if self._may_skip_keys:
                cursor.execute("SET LOCAL session_replication_role = replica")
            for name in self._filled(cursor):
                cursor.execute(sql.SQL("DELETE FROM {}").format(_own(name)))
            for statement in self._fill:
                cursor.execute(statement)

    def _filled(self, cursor: Any) -> list[str]:
        """The tables with rows, by one question."""
        cursor.execute(self._which)
        return [name for (name,) in cursor]


def _own(table: str) -> sql.Composable:
    return sql.Identifier("public", table)


def _has_rows(table: str) -> sql.Composable:
    ask = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
    return ask.format(sql.Literal(table), _own(table))


def _keep(cursor: Any, table: str) -> sql.Composable:
    """Copy the rows of a table aside; gives the statement that brings them back."""
    kept = sql.Identifier(KEPT, table)
    cursor.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(kept, _own(table)))
    cursor.execute(COLUMNS, [f'public."{table}"'])
    columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in cursor)
    again = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}")
    return again.format(_own(table), columns, columns, kept)
