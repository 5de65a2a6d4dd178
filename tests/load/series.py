"""Fills tables on the server: one INSERT … SELECT over a series of numbers for each table."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, models

#: "n" counts the rows from 1.
SERIES = "generate_series(1, {rows}) AS series(n)"
MEMORY = {"maintenance_work_mem": "512MB", "work_mem": "256MB", "jit": "off"}


def random(salt: str, row: str = "n") -> str:
    """Return SQL for a number 0..1 that depends on the row and on nothing else."""
    digest = f"md5('{salt}' || ({row})::text)"
    return f"(('x' || substr({digest}, 1, 8))::bit(32)::bigint / 4294967296.0)"


def pick(values: list[str], salt: str, row: str = "n", power: float = 1.0) -> str:
    """Return SQL that chooses one of `values`; a power above 1 prefers the first ones."""
    array = ", ".join(quoted(value) for value in values)
    return f"(ARRAY[{array}])[1 + floor(power({random(salt, row)}, {power}) * {len(values)})::int]"


def quoted(text: str) -> str:
    """Return a text as SQL, also where `%` stands for a parameter."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def fill(
    model: type[models.Model], rows: int, columns: Mapping[str, str], *, source: str = SERIES
) -> None:
    """Insert `rows` rows into the model's table; `columns` maps names to SQL over `n`.

    Other columns get the model's default or an empty text; identity columns count by themselves.
    """
    given = dict(columns)
    defaults: list[Any] = []
    for field in model._meta.concrete_fields:
        if field.column in given or field.generated or isinstance(field, models.AutoField):
            continue
        if field.null and not field.has_default():
            continue
        given[field.column] = "%s"
        defaults.append(field.get_db_prep_save(_plain_value(field), connection))
    names = ", ".join(f'"{name}"' for name in given)
    values = ", ".join(given.values())
    table = model._meta.db_table
    sql = f'INSERT INTO "{table}" ({names}) SELECT {values} FROM {source.format(rows=rows)}'
    with connection.cursor() as cursor:
        cursor.execute(sql, defaults)


@contextmanager
def unindexed() -> Iterator[None]:
    """Take foreign keys and indexes away and make them again at the end: far faster to fill.

    Making the keys again checks every row. Primary keys and constraints that are unique stay.
    Triggers rest meanwhile; what they write has to be filled in. Needs a transaction.
    """
    with connection.cursor() as cursor:
        for name, value in MEMORY.items():
            cursor.execute(f"SET LOCAL {name} = '{value}'")
        cursor.execute(FOREIGN_KEYS)
        keys = cursor.fetchall()
        cursor.execute(INDEXES)
        indexes = cursor.fetchall()
        for table, name, _definition in keys:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute(TRIGGERS)
        tables = [table for (table,) in cursor]
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for _name, definition in indexes:
            cursor.execute(definition.replace("%", "%%"))
        for table, name, definition in keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1, 2
"""
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY 1
"""
TRIGGERS = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1
"""


def _plain_value(field: Any) -> Any:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return field.pre_save(field.model(), add=True)
    if field.has_default():
        return field.get_default()
    return "" if field.empty_strings_allowed else 0
