"""Conditions and answers that Django has no words for."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Expression, F, Func, QuerySet
from django.db.models.sql.compiler import SQLCompiler


class _EqualsAny(Func):
    """`column = ANY(array)`."""

    template, arg_joiner = "%(expressions)s)", " = ANY("
    output_field = BooleanField()


class _Keys(Expression):
    """Whole numbers as one array, sent as one text: Django would prepare each of them."""

    output_field = BooleanField()  # of no matter: only compared

    def __init__(self, joined: str) -> None:
        super().__init__()
        self.joined = joined

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[str, ...]]:
        """Return the array and its text."""
        return "%s::bigint[]", (f"{{{self.joined}}}",)


def among(column: str, keys: Iterable[int]) -> Func:
    """Rows whose column holds one of many keys, sent as one array.

    The same as `column__in`, where each key is a parameter of its own: with a thousand of them that
    costs more than the query.
    """
    return _EqualsAny(F(column), _Keys(",".join(map(str, keys))))


def keys_of(rows: QuerySet[Any], *, where: str = "") -> list[int]:
    """The keys of rows (which may be cut) in their order, as one value rather than a row for each.

    With `where`, only those for which this annotation of the rows holds.
    """
    columns = ("pk", where) if where else ("pk",)
    try:
        sql, params = rows.values_list(*columns).query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return []
    # Constants and names of ours: what people typed is in the parameters.
    names = "key, held" if where else "key"
    kept = "WHERE held" if where else ""
    found = f"SELECT key FROM ({sql}) AS found({names}) {kept}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT array_to_string(ARRAY({found}), ',')", params)
        (joined,) = cursor.fetchone()
    return [int(key) for key in joined.split(",")] if joined else []
