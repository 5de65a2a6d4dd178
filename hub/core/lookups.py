"""Conditions and answers that Django has no words for."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import BooleanField, Expression, F, Func, Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)
#: No row has this key.
NO_KEY = -(2**63)


class _EqualsAny(Func):
    """`column = ANY(array)`."""

    template, arg_joiner = "%(expressions)s)", " = ANY("
    output_field = BooleanField()


class _Keys(Expression):
    """Whole numbers as one array, sent as one text: Django would prepare each of them."""

    output_field = BooleanField()  # of no matter: only compared

    def __init__(self, array: str) -> None:
        super().__init__()
        self.array = array

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[str, ...]]:
        """Return the array and its text."""
        return "%s::bigint[]", (self.array,)


def among(column: str, keys: Iterable[int]) -> Func:
    """Rows whose column holds one of many keys, sent as one array.

    The same as `column__in`, where each key is a parameter of its own: with a thousand of them that
    costs more than the query.
    """
    return _EqualsAny(F(column), _Keys(_array(keys)))


def keys_of(rows: QuerySet[Any], *, where: str = "", column: str = "pk") -> list[int]:
    """The keys of rows (which may be cut) in their order, as one value rather than a row for each.

    With `where`, only those for which this annotation of the rows holds; with `column`, the keys of
    the rows that another column names.
    """
    columns = (column, where) if where else (column,)
    try:
        sql, params = rows.values_list(*columns).query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
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


def marked_keys_of(rows: QuerySet[Any], mark: str) -> dict[int, bool]:
    """The keys of rows, which are above zero, in their order, and whether `mark` holds for each."""
    try:
        sql, params = rows.values_list("pk", mark).query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    except EmptyResultSet:
        return {}
    found = f"SELECT CASE WHEN held THEN key ELSE -key END FROM ({sql}) AS found(key, held)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT array_to_string(ARRAY({found}), ',')", params)
        (joined,) = cursor.fetchone()
    keys = [int(key) for key in joined.split(",")] if joined else []
    return {abs(key): key > 0 for key in keys}


class KeyedRows:
    """One query for the rows of whatever keys, made by the ORM once and then sent with new keys.

    To put a query together takes the ORM a millisecond, and an answer of the catalogue has ten.
    `of_keys` returns a `values_list()` in which nothing but `among(…, keys)` is not constant.
    """

    def __init__(self, of_keys: Callable[[Iterable[int]], QuerySet[Any, tuple[Any, ...]]]) -> None:
        self._of_keys = of_keys

    def __call__(self, keys: Iterable[int]) -> list[tuple[Any, ...]]:
        """All rows of these keys."""
        kept, sql, params = self._compiled
        compiler = taken_up(kept)
        sent = _array(keys)
        with connection.cursor() as cursor:
            cursor.execute(sql, [sent if value == _NO_KEYS else value for value in params])
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        return list(map(tuple, compiler.apply_converters(rows, converters))) if converters else rows

    @cached_property
    def _compiled(self) -> tuple[SQLCompiler, str, tuple[Any, ...]]:
        compiler = self._of_keys([NO_KEY]).query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        return laid_by(compiler), sql, params


def laid_by(compiler: SQLCompiler) -> SQLCompiler:
    """A compiler that threads to come will take up: without the connection of this one."""
    compiler.connection = connection
    return compiler


def taken_up(compiler: SQLCompiler) -> SQLCompiler:
    """A copy with this thread's connection itself, whose proxy would be asked for every column."""
    mine = copy(compiler)
    mine.connection = connections[DEFAULT_DB_ALIAS]
    return mine


@contextmanager
def by_bitmap() -> Iterator[None]:
    """Within, PostgreSQL takes rows from bitmaps of indexes, in whatever order.

    For conditions that cost much and are estimated badly, under a LIMIT: PostgreSQL takes them for
    as cheap as a comparison of numbers, and tries them on one row after the other.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ways("off"))
        yield
        cursor.execute(_ways("on"))


def _ways(state: str) -> str:
    names = ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan")
    return "SELECT " + ", ".join(f"set_config('{name}', '{state}', true)" for name in names)


def row_of(
    model: type[Row], columns: Collection[str], values: Collection[Any], /, **related: Model | None
) -> Row:
    """A row of values that KeyedRows gave, named by `field.attname`, tied to rows that it names."""
    row = model.from_db(DEFAULT_DB_ALIAS, columns, values)
    row._state.fields_cache.update(related)
    return row


def _array(keys: Iterable[int]) -> str:
    return f"{{{','.join(map(str, keys))}}}"


_NO_KEYS = _array([NO_KEY])
