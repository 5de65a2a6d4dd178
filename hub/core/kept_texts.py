"""Texts that take long to make, kept by what they are made of, up to an amount of memory."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

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


class KeptPrints:
    """Texts by name, each with the source that it was made of: of another source it is none.

    So nothing kept is ever out of date, and nobody gets what was made of what another may see: who
    asks has read the source. `most_bytes` bounds the texts; sources may take several times as much.
    """

    def __init__(self, *, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[Any, tuple[Any, bytes]] = OrderedDict()
        self._bytes, self._lock = 0, Lock()

    def source_of(self, name: Any) -> Any:
        """What the text of this name was made of; None without one."""
        with self._lock:
            kept = self._kept.get(name)
        return None if kept is None else kept[0]

    def find(self, name: Any, source: Any) -> bytes | None:
        """The text of this name, if it was made of an equal source."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is None:
                return None
            self._kept.move_to_end(name)
        return kept[1] if kept[0] == source else None

    def keep(self, name: Any, source: Any, text: bytes) -> None:
        """Keep this text in place of an earlier one; the longest unused goes first."""
        with self._lock:
            if (earlier := self._kept.pop(name, None)) is not None:
                self._bytes -= len(earlier[1])
            if len(text) > self._most:
                return
            self._kept[name] = source, text
            self._bytes += len(text)
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1][1])


def _size(source: str, text: str | None) -> int:
    return len(source) + len(text or "")
