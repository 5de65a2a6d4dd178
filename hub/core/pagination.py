"""Keyset pagination: stable under inserts, no OFFSET, an opaque cursor."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from hub.core.errors import Invalid

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Up to `limit` rows and the cursor of the next page, None at the end."""

    items: tuple[Row, ...]
    next_cursor: str | None


def keyset(
    queryset: QuerySet[Row], *, order: tuple[str, ...], cursor: str | None, limit: int
) -> Page[Row]:
    """One page of `queryset` ordered by `order`, whose last name must be unique ("-id").

    Every column of `order` must be non-null. Raises Invalid for a cursor of another order.
    """
    rows = queryset.order_by(*order)
    if cursor:
        rows = _behind(rows, order, decode_cursor(cursor, size=len(order)))
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return Page(items=tuple(found), next_cursor=None)
    found = found[:limit]
    last = [_value(found[-1], name.lstrip("-")) for name in order]
    return Page(items=tuple(found), next_cursor=encode_cursor(last))


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
    except (ValueError, binascii.Error) as error:
        raise Invalid("This cursor is not valid. Start again from the first page.") from error
    scalars = (str, int, float, bool)
    if not isinstance(values, list) or len(values) != size:
        raise Invalid("This cursor belongs to another order. Start again from the first page.")
    if not all(isinstance(value, scalars) for value in values):
        raise Invalid("This cursor is not valid. Start again from the first page.")
    return values


def _behind(rows: QuerySet[Row], order: tuple[str, ...], values: list[Any]) -> QuerySet[Row]:
    try:
        return rows.filter(_after(order, values))
    except (ValidationError, ValueError, TypeError, OverflowError) as error:
        raise Invalid("This cursor is not valid. Start again from the first page.") from error


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _exact_text(value: Any) -> str:
    """Instants to the microsecond (Django's encoder cuts to milliseconds); ids, decimals."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _after(order: tuple[str, ...], values: list[Any]) -> Q:
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
