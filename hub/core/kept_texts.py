"""Texts that take long to make, kept by what they are made of, up to an amount of memory."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Text = TypeVar("Text", bound=str | None)


class KeptTexts(Generic[Text]):
    """What `make` gives for a source, kept by the process; the longest unused goes first.

    `most_characters` bounds sources and texts together: a number of texts would not do, since one
    description has ten characters and another ten thousand.
    """

    def __init__(self, make: Callable[[str], Text], *, most_characters: int) -> None:
        self._make, self._most = make, most_characters
        self._kept: OrderedDict[str, Text] = OrderedDict()
        self._characters, self._lock = 0, Lock()

    def __call__(self, source: str) -> Text:
        """The text of this source."""
        with self._lock:
            if source in self._kept:
                self._kept.move_to_end(source)
                return self._kept[source]
        text = self._make(source)
        size = _size(source, text)
        with self._lock:
            if source not in self._kept and size <= self._most:
                self._kept[source] = text
                self._characters += size
            while self._characters > self._most:
                self._characters -= _size(*self._kept.popitem(last=False))
        return text


def _size(source: str, text: str | None) -> int:
    return len(source) + len(text or "")
