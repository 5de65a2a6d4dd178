"""Queries that a process puts together once; afterwards only the keys in them change.

To build a query and write its SQL takes the ORM two to four milliseconds where a rule of visibility
is in it, and a page asks thirty. What comes back is rows of the ORM, as the query set gives them.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from hub.core.lookups import laid_by, taken_up

Result = TypeVar("Result")
Key = int | str | Collection[int]
#: Stands for the first key while a query is put together; valid for every column of numbers.
FIRST_KEY = 2_147_400_000


@dataclass(frozen=True, slots=True)
class _PutTogether(Generic[Result]):
    """A query set with its SQL, in which the values of `places` stand for the keys."""

    rows: QuerySet[Any, Result]
    compiler: SQLCompiler
    sql: str
    params: tuple[Any, ...]
    places: tuple[int | str, ...]


class KeptRows(Generic[Result]):
    """What a query set gives for whatever keys, without putting the query together anew.

    `build` takes the keys: numbers, text, or many numbers (to be used with `lookups.among`). It may
    use nothing else that changes (an instant, a person, a language), must ask for each key in SQL
    rather than decide by it, and may not prefetch: what is prefetched would keep the first keys.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Result]]) -> None:
        self._build = build
        self._kept: _PutTogether[Result] | None = None

    def __call__(self, *keys: Key) -> list[Result]:
        """The rows for these keys; the kind of each must be that of the first call."""
        kept = self._kept = self._kept or _put_together(self._build, keys)
        if not kept.sql:
            return []
        sent = dict(zip(kept.places, map(_as_sent, keys), strict=True))
        params = tuple(
            sent.get(value, value) if isinstance(value, int | str) else value
            for value in kept.params
        )
        compiler = taken_up(kept.compiler)
        compiler.as_sql = lambda *_args, **_named: (kept.sql, params)  # type: ignore[method-assign]
        rows = kept.rows._clone()  # type: ignore[attr-defined]
        rows.query.get_compiler = lambda *_args, **_named: compiler
        return list(rows)


def attach_rows(parents: Iterable[Model], name: str, rows: Iterable[Model]) -> None:
    """Give each parent those of the rows that are its own, as `prefetch_related(name)` would."""
    by_key = {parent.pk: parent for parent in parents}
    if not by_key:
        return
    relation: Any = next(iter(by_key.values()))._meta.get_field(name)
    link, own = relation.field, {key: [] for key in by_key}  # type: ignore[var-annotated]
    for row in rows:
        key = getattr(row, link.attname)
        row._state.fields_cache[link.name] = by_key[key]
        own[key].append(row)
    # Of the manager's kind, and narrowed to its parent when it is asked for something else: to ask
    # each parent's manager for it takes four to six times as long.
    kind = type(getattr(next(iter(by_key.values())), name).get_queryset())
    for key, parent in by_key.items():
        held = kind(model=relation.related_model, hints={"instance": parent})
        held._deferred_filter = (False, (), {link.name: parent})
        held._result_cache, held._prefetch_done = own[key], True
        parent.__dict__.setdefault("_prefetched_objects_cache", {})[relation.cache_name] = held


def _put_together(
    build: Callable[..., QuerySet[Any, Result]], keys: tuple[Key, ...]
) -> _PutTogether[Result]:
    stand_ins = [_stand_in(number, key) for number, key in enumerate(keys)]
    rows = build(*stand_ins)
    if rows._prefetch_related_lookups:  # type: ignore[attr-defined]
        raise ValueError("a kept query would prefetch for the first keys it was asked with")
    compiler = rows.query.get_compiler(using=DEFAULT_DB_ALIAS)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        sql, params = "", ()
    places = tuple(_as_sent(stand_in) for stand_in in stand_ins)
    return _PutTogether(rows, laid_by(compiler), sql, tuple(params), places)


def _stand_in(number: int, key: Key) -> Key:
    place = FIRST_KEY + number
    if isinstance(key, int):
        return place
    return f"key-{place}" if isinstance(key, str) else [place]


def _as_sent(key: Key) -> int | str:
    """A key as it stands among the parameters: many numbers are one text, see `among`."""
    return key if isinstance(key, int | str) else f"{{{','.join(map(str, key))}}}"
