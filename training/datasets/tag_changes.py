"""Lists of tags and what changed in them: computed, applied and taken back without the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from hub.formats.captions import normalise_tag

Placed = tuple[int, str]


@dataclass(frozen=True)
class TagChange:
    """Tags that left a list (places before) and tags that came into it (places after)."""

    removed: tuple[Placed, ...] = ()
    added: tuple[Placed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.removed or self.added)

    def reversed(self) -> TagChange:
        """The change that takes this one back."""
        return TagChange(removed=self.added, added=self.removed)


def change_between(before: Sequence[str], after: Sequence[str]) -> TagChange:
    """What turns `before` into `after`; a tag that moved counts as removed and added."""
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    removed: list[Placed] = []
    added: list[Placed] = []
    for kind, a_start, a_end, b_start, b_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        removed += [(place, before[place]) for place in range(a_start, a_end)]
        added += [(place, after[place]) for place in range(b_start, b_end)]
    return TagChange(tuple(removed), tuple(added))


def apply_change(tags: Sequence[str], change: TagChange) -> list[str]:
    """The list after `change`, also where others have edited it in between.

    On the list the change was computed from, the result is exact; elsewhere tags go to the nearest
    place that exists, and a tag that is there already stays where it is.
    """
    gone = {text for _, text in change.removed}
    result = [text for text in tags if text not in gone]
    for place, text in sorted(change.added):
        if text not in result:
            result.insert(min(place, len(result)), text)
    return result


def normal_tags(tags: Iterable[str], *, trigger_word: str = "") -> list[str]:
    """The tags trimmed, each once, none empty; the trigger word first if it is among them."""
    seen = dict.fromkeys(normalise_tag(text) for text in tags)
    seen.pop("", None)
    result = list(seen)
    if trigger_word in seen:
        result.remove(trigger_word)
        result.insert(0, trigger_word)
    return result


def with_tag(tags: Sequence[str], text: str, *, at_start: bool) -> list[str]:
    """The list with `text` at one end; unchanged if it is there."""
    if text in tags:
        return list(tags)
    return [text, *tags] if at_start else [*tags, text]


def with_replaced(tags: Sequence[str], old: str, new: str) -> list[str]:
    """The list with `new` in the place of `old`; where `new` is there already, `old` just goes."""
    if old not in tags:
        return list(tags)
    if new in tags:
        return [text for text in tags if text != old]
    return [new if text == old else text for text in tags]
