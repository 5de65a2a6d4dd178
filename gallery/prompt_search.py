"""Pictures by the words of their prompts.

The index gives all pictures that have a word before the first of them, and of a million prompts
most have "light". So a list first looks at its own next pictures, and asks the index only where
few of these have the words.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, Func, OuterRef, QuerySet

from gallery.models import Generation
from hub.core.lookups import among, keys_of
from models_registry.search_text import raw_query

#: Pictures of a list that are looked at first, and pictures that the index is asked for at most.
WINDOW, MOST_KEYS = 2_000, 5_000


@dataclass(frozen=True, slots=True)
class Near:
    """Keys of pictures, in no order; `is_all` tells that the list has no more of them."""

    keys: list[int]
    is_all: bool


class Prompted:
    """Pictures whose prompts have all these words, each as a beginning of a word; Chinese anywhere.

    Asks when it is asked, and asks the index once.
    """

    def __init__(self, text: str) -> None:
        self._raw = raw_query(text.replace("\x00", ""))

    def next_of(self, images: QuerySet[Any]) -> Near:
        """Those among the next WINDOW pictures of an ordered list."""
        if not self._raw:
            return Near([], is_all=True)
        window = keys_of(images[:WINDOW])
        found = keys_of(self._generations.filter(among("image", window)), column="image_id")
        return Near(found, is_all=len(window) < WINDOW)

    @property
    def is_complete(self) -> bool:
        """Whether `keys` are all pictures with the words."""
        return len(self._found) <= MOST_KEYS

    @property
    def keys(self) -> list[int]:
        """Keys of the pictures, or of the first ones that the index has."""
        return self._found[:MOST_KEYS]

    def condition(self) -> Func | Exists:
        """What a picture has to meet; very many are each asked in the order of their list."""
        if self.is_complete:
            return among("pk", self.keys)
        return Exists(self._generations.filter(image=OuterRef("pk")))

    @cached_property
    def _found(self) -> list[int]:
        return keys_of(self._generations[: MOST_KEYS + 1]) if self._raw else []

    @property
    def _generations(self) -> QuerySet[Generation]:
        words = SearchQuery(self._raw, config="simple", search_type="raw")
        return Generation.objects.filter(search=words)
