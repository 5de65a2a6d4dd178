"""From what addresses say (names of tags and base models) to keys, before a list is asked.

With the keys in the query PostgreSQL knows how many rows each stands for, and so whether to begin
with them or with the order of the list; behind a join it could only guess.
"""

from collections.abc import Callable, Collection
from typing import Any

from models_registry.models.base_model import BaseModel
from models_registry.models.tag import Tag, TagAlias


def keys_of_bases(names: Collection[str]) -> list[int]:
    """Base models of these names; unknown names have none."""
    return list(BaseModel.objects.filter(name__in=list(names)).values_list("pk", flat=True))


def keys_of_tags(names: Collection[str]) -> list[int]:
    """Tags called by their names or their aliases, in any case."""
    words = [name.strip().lower() for name in names]
    called = Tag.objects.filter(name__in=words).values_list("pk", flat=True)
    aliased = TagAlias.objects.filter(name__in=words).values_list("tag_id", flat=True)
    return sorted(called.union(aliased))


Find = Callable[[Collection[str]], list[int]]


class LookedUp:
    """What was looked up for names, so that whoever shares this asks once for each."""

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], Any] = {}

    def keys(self, find: Find, names: Collection[str]) -> list[int]:
        """What `find` gives for these names."""
        asked = tuple(sorted(names))
        keys: list[int] = self.once((find, *asked), lambda: find(names))
        return keys

    def once(self, asked: tuple[Any, ...], look_up: Callable[[], Any]) -> Any:
        """What `look_up` gave when this was first asked."""
        if asked not in self._found:
            self._found[asked] = look_up()
        return self._found[asked]
