"""The last line of an A1111 infotext: `Key: value, Key: "quoted, value", Key: {json}`.

A hand-written scanner that moves forward only: no regular expression to blow up, and work that is
linear in the length of the line whatever it holds.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

UNLABELLED = "Unlabelled"
JSON_STARTS = ('"', "{", "[")
MAX_FAILED_JSON = 64

_decoder = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Detail:
    """One key with its value; `is_plain` if the value stood without quotes or brackets."""

    key: str
    value: str
    is_plain: bool


def scan_details(line: str, *, closed_keys: Collection[str] = ()) -> list[Detail]:
    """Split a details line into its keys and values, in order; nothing is dropped.

    A piece without a colon belongs to the plain value before it, unless that one's key is among
    `closed_keys` (numbers and names): then it becomes a value without label.
    """
    details: list[Detail] = []
    rest: list[str] = []  # joined once: a long line of commas must not be copied for each
    for detail in _Scanner(line).pieces():
        last = details[-1] if details else None
        is_rest = detail.key == UNLABELLED and last is not None and last.is_plain
        if last is not None and is_rest and last.key not in closed_keys:
            rest.append(detail.value)
        else:
            _append_rest(details, rest)
            details.append(detail)
    _append_rest(details, rest)
    return details


def _append_rest(details: list[Detail], rest: list[str]) -> None:
    if rest:
        last = details[-1]
        details[-1] = Detail(last.key, ", ".join([last.value, *rest]), is_plain=True)
        rest.clear()


def quote_value(value: str) -> str:
    """Write a value so that it reads back equal; quotes are A1111's own, a JSON string."""
    if _is_whole_json(value) or _is_plain_safe(value):
        return value
    return json.dumps(value, ensure_ascii=False)


class _Scanner:
    def __init__(self, line: str) -> None:
        self._line = line
        self._position = 0
        self._colon = -1
        self._failed_json = 0

    def pieces(self) -> Iterator[Detail]:
        while self._position < len(self._line):
            comma = self._find_comma(self._position)
            if self._next_colon() < comma:
                key = self._line[self._position : self._colon].strip()
                value, end, is_plain = self._value_at(self._colon + 1)
                self._position = end + 1
                yield Detail(key, value, is_plain)
            else:
                junk = self._line[self._position : comma].strip()
                self._position = comma + 1
                if junk:
                    yield Detail(UNLABELLED, junk, is_plain=True)

    def _next_colon(self) -> int:
        """Find the next colon, once: the search is remembered until the position passes it."""
        if self._colon < self._position:
            found = self._line.find(":", self._position)
            self._colon = found if found >= 0 else len(self._line)
        return self._colon

    def _find_comma(self, start: int) -> int:
        found = self._line.find(",", start)
        return found if found >= 0 else len(self._line)

    def _value_at(self, start: int) -> tuple[str, int, bool]:
        """Return the value, the place of the comma (or end) behind it, and whether it is plain."""
        while start < len(self._line) and self._line[start].isspace():
            start += 1
        if self._line.startswith(JSON_STARTS, start) and self._failed_json < MAX_FAILED_JSON:
            found = self._json_at(start)
            if found:
                return (*found, False)
            self._failed_json += 1
        comma = self._find_comma(start)
        return self._line[start:comma].strip(), comma, True

    def _json_at(self, start: int) -> tuple[str, int] | None:
        try:
            value, end = _decoder.raw_decode(self._line, start)
        except (ValueError, RecursionError):
            return None
        text = value if isinstance(value, str) else self._line[start:end]
        while end < len(self._line) and self._line[end].isspace():
            end += 1
        return (text, end) if end == len(self._line) or self._line[end] == "," else None


def _is_plain_safe(value: str) -> bool:
    return (
        value == value.strip()
        and not value.startswith(JSON_STARTS)
        and not any(character in ",:" or character < " " for character in value)
    )


def _is_whole_json(value: str) -> bool:
    """Whether a value is one JSON object or list on one line, which stands without quotes."""
    if not value.startswith(("{", "[")) or any(character < " " for character in value):
        return False
    try:
        return _decoder.raw_decode(value)[1] == len(value)
    except (ValueError, RecursionError):
        return False
