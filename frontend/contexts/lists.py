"""What every filtered list shows beside its rows: choices, removable chips, addresses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a filter, a sort or a scope; with `is_least` there are more than `count`."""

    value: str
    label: str
    is_chosen: bool
    url: str = ""
    count: int | None = None
    is_least: bool = False


@dataclass(frozen=True, slots=True)
class FilterGroup:
    """One fieldset of a filter rail; the rarer ones are folded until one is chosen."""

    name: str
    title: str
    choices: tuple[Choice, ...]
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter in force; `url` is the list without it."""

    label: str
    url: str


def with_query(path: str, query: str) -> str:
    """An address with its query, if any."""
    return f"{path}?{query}" if query else path
