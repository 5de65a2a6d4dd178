"""Keyset pagination: stable under inserts, no OFFSET, an opaque cursor."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Func, Model, Q, QuerySet, Value
from django.utils.translation import gettext as _

from hub.core.errors import Invalid

Row = TypeVar("Row", bound=Model)
#: Reads the rows of some keys, in whatever order.
Load = Callable[[list[Any]], Iterable[Row]]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Up to `limit` rows and the cursor of the next page, None at the end."""

    items: tuple[Row, ...]
    next_cursor: str | None


def keyset(
    queryset: QuerySet[Row],
    *,
    order: tuple[str, ...],
    cursor: str | None,
    limit: int,
    load: Load[Row] | None = None,
) -> Page[Row]:
    """One page of `queryset` ordered by `order`, whose last name must be unique ("-id").

    Every column of `order` must be non-null. Raises Invalid for a cursor of another order.

    Asks for the keys first and then for the rows: what is joined to a row would keep PostgreSQL
    from finding the way through the conditions, and would be read for every row that it sorts.
    With `load`, see `rows_of_slice`.
    """
    rows = queryset.order_by(*order)
    found = rows_of_slice(rows, behind_cursor(rows, order, cursor), stop=limit + 1, load=load)
    return first_page(found, order=order, limit=limit)


def first_page(found: list[Row], *, order: tuple[str, ...], limit: int) -> Page[Row]:
    """The page that begins with these rows, of which one more than `limit` tells of another."""
    if len(found) <= limit:
        return Page(items=tuple(found), next_cursor=None)
    found = found[:limit]
    last = [_value(found[-1], name.lstrip("-")) for name in order]
    return Page(items=tuple(found), next_cursor=encode_cursor(last))


def behind_cursor(rows: QuerySet[Row], order: tuple[str, ...], cursor: str | None) -> QuerySet[Row]:
    """Those of `rows` that come after the cursor; all without one."""
    return behind(rows, order, decode_cursor(cursor, size=len(order))) if cursor else rows


def rows_of_slice(
    rows: QuerySet[Row],
    chosen: QuerySet[Row],
    *,
    stop: int,
    start: int = 0,
    load: Load[Row] | None = None,
) -> list[Row]:
    """The rows whose keys stand in a slice of `chosen`, in the order of `rows`.

    `load` reads rows by nothing but these keys, which have just met all conditions: said again,
    PostgreSQL plans for longer than it reads. What `chosen` computes for its rows is on them.
    """
    if load is None:
        keys = list(chosen.values_list("pk", flat=True)[start:stop])
        return list(rows.filter(pk__in=keys))
    names = tuple(chosen.query.annotations)
    found = {key: values for key, *values in chosen.values_list("pk", *names)[start:stop]}
    by_key = {row.pk: row for row in load(list(found))} if found else {}
    for key, row in by_key.items():
        row.__dict__.update(zip(names, found[key], strict=True))
    return [by_key[key] for key in found if key in by_key]


def sliced(rows: QuerySet[Row], stop: int) -> QuerySet[Row]:
    """The first rows, for a query that is kept: like `rows_of_slice`, the keys by a subquery."""
    return rows.filter(pk__in=rows.values("pk")[:stop])


def encode_cursor(values: list[Any]) -> str:
    """Opaque, URL-safe text of the sort values of the last row."""
    data = json.dumps(values, default=_exact_text, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode_cursor(cursor: str, *, size: int) -> list[Any]:
    """Values of a cursor with `size` parts; raises Invalid when it is not one of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        data = base64.urlsafe_b64decode(padded.encode("ascii", "strict"))
        values = json.loads(data, parse_constant=_no_constant)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Invalid(_("This cursor is not valid. Start again from the first page.")) from error
    scalars = (str, int, float, bool)
    if not isinstance(values, list) or len(values) != size:
        raise Invalid(_("This cursor belongs to another order. Start again from the first page."))
    if not all(isinstance(value, scalars) for value in values):
        raise Invalid(_("This cursor is not valid. Start again from the first page."))
    return values


def behind(rows: QuerySet[Row], order: tuple[str, ...], values: Sequence[Any]) -> QuerySet[Row]:
    """Those of `rows` that come after the row with these sort values; Invalid for a wrong value."""
    try:
        if len({name.startswith("-") for name in order}) == 1:
            return rows.filter(_row_beyond(rows, order, values))
        return rows.filter(_after(order, values))
    except (ValidationError, ValueError, TypeError, OverflowError) as error:
        raise Invalid(_("This cursor is not valid. Start again from the first page.")) from error


class _Row(Func):
    function = "ROW"
    output_field = BooleanField()  # of no matter: rows are only compared


class _RowLess(Func):
    template, arg_joiner = "%(expressions)s", " < "
    output_field = BooleanField()


class _RowGreater(_RowLess):
    arg_joiner = " > "


def _row_beyond(rows: QuerySet[Row], order: tuple[str, ...], values: Sequence[Any]) -> Func:
    """`ROW(a, b) < ROW(x, y)`: an index on (a, b) starts at the cursor, however deep it is.

    The same said with OR would be checked for every row from the beginning on.
    """
    query = rows.query.chain()
    columns = [F(name.lstrip("-")) for name in order]
    fields = [column.resolve_expression(query).output_field for column in columns]
    typed = [_typed(field, value) for field, value in zip(fields, values, strict=True)]
    side = _RowLess if order[0].startswith("-") else _RowGreater
    return side(_Row(*columns), _Row(*typed))


def _typed(field: Any, value: Any) -> Value:
    field = getattr(field, "output_field", field)  # that of a generated column
    return Value(field.get_prep_value(field.to_python(value)), output_field=field)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _exact_text(value: Any) -> str:
    """Instants to the microsecond (Django's encoder cuts to milliseconds); ids, decimals."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _after(order: tuple[str, ...], values: Sequence[Any]) -> Q:
    condition = Q()
    equal: dict[str, Any] = {}
    for name, value in zip(order, values, strict=True):
        column = name.lstrip("-")
        side = "lt" if name.startswith("-") else "gt"
        condition |= Q(**equal, **{f"{column}__{side}": value})
        equal[column] = value
    return condition


def _value(row: Model, name: str) -> Any:
    value: Any = row
    for part in name.split("__"):
        value = getattr(value, part)
    return value
