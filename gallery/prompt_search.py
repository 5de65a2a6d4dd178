"""Pictures by the words of their prompts.

The index gives all pictures that have a word before the first of them, and of a million prompts
most have "light". So a list first looks at its own next pictures, and asks the index only where
few of these have the words.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.core.exceptions import EmptyResultSet
from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    Func,
    OuterRef,
    Q,
    QuerySet,
)

from gallery.models import Generation
from gallery.prompt_words import with_whole_words
from hub.core.lookups import among, keys_of
from models_registry.search_text import raw_query

#: Pictures of a list that are looked at first, how many times as many are where that promises
#: enough of them, and pictures that the index is asked for at most.
WINDOW, WIDER, MOST_KEYS = 2_000, 5, 5_000
#: Pictures that are looked at first for a single one.
NEAREST = 100


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
        self._windows: dict[tuple[int, str, str], Near] = {}

    def next_of(self, images: QuerySet[Any], *, enough: int) -> Near:
        """Those among the next WINDOW pictures of an ordered list, or among WIDER times as many.

        The latter where more than `enough` of these will have the words, going by the first ones.
        """
        if not self._raw:
            return Near([], is_all=True)
        near = self._within(images, WINDOW)
        if near.is_all or len(near.keys) > enough or len(near.keys) * WIDER <= enough:
            return near
        return self._within(images, WINDOW * WIDER)

    def nearest_of(self, images: QuerySet[Any]) -> Near:
        """Those among the next NEAREST pictures of an ordered list.

        Without one there, among WINDOW for beginnings of very many words: what is so rare is found
        by the index in no time, but for several of these, which take it the longest of all.
        """
        if not self._raw:
            return Near([], is_all=True)
        near = self._within(images, NEAREST)
        if near.keys or near.is_all or " & " not in self._raw or ":*" not in self._by_index:
            return near
        return self._within(images, WINDOW)

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

    def _within(self, images: QuerySet[Any], size: int) -> Near:
        """Hits among the first pictures, once for a page and its count where both begin there."""
        try:
            sql, params = images.query.sql_with_params()
        except EmptyResultSet:
            return Near([], is_all=True)
        asked = size, sql, repr(params)
        if asked not in self._windows:
            self._windows[asked] = self._looked_through(images, size)
        return self._windows[asked]

    def _looked_through(self, images: QuerySet[Any], size: int) -> Near:
        """Hits among the first pictures; a column here: as a filter, the index would be asked."""
        window = keys_of(images[:size])
        is_hit = ExpressionWrapper(Q(search=self._words), output_field=BooleanField())
        rows = Generation.objects.filter(among("image", window)).annotate(is_hit=is_hit)
        found = keys_of(rows[:size], where="is_hit", column="image_id") if window else []
        return Near(found, is_all=len(window) < size)

    @cached_property
    def _found(self) -> list[int]:
        return keys_of(self._generations[: MOST_KEYS + 1]) if self._raw else []

    @property
    def _generations(self) -> QuerySet[Generation]:
        words = SearchQuery(self._by_index, config="simple", search_type="raw")
        return Generation.objects.filter(search=words)

    @cached_property
    def _by_index(self) -> str:
        return with_whole_words(self._raw)

    @property
    def _words(self) -> SearchQuery:
        return SearchQuery(self._raw, config="simple", search_type="raw")
