"""Fills tables on the server: one INSERT … SELECT over a series of numbers for each table."""

from collections.abc import Mapping
from typing import Any

from django.db import connection, models

#: "n" counts the rows from 1; {random} stands for the seeded pseudo-random number of a row, 0..1.
SERIES = "generate_series(1, %s) AS series(n)"


def random(salt: str, row: str = "n") -> str:
    """Return SQL for a number 0..1 that depends on the row and on nothing else."""
    digest = f"md5('{salt}' || ({row})::text)"
    return f"(('x' || substr({digest}, 1, 8))::bit(32)::bigint / 4294967296.0)"


def pick(values: list[str], salt: str, row: str = "n", power: float = 1.0) -> str:
    """Return SQL that chooses one of `values`; a power above 1 prefers the first ones."""
    array = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"(ARRAY[{array}])[1 + floor(power({random(salt, row)}, {power}) * {len(values)})::int]"


def fill(model: type[models.Model], rows: int, columns: Mapping[str, str]) -> None:
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
    sql = f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {values} FROM {SERIES}'
    with connection.cursor() as cursor:
        cursor.execute(sql, [*defaults, rows])


def _plain_value(field: Any) -> Any:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return field.pre_save(field.model(), add=True)
    if field.has_default():
        return field.get_default()
    return "" if field.empty_strings_allowed else 0
