"""A1111's prompt editing: [from:to:when], [to:when], [from::when] and [a|b]. Torch-free and pure.

https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features#prompt-editing
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*\Z")
_OPENING, _CLOSING = "([", ")]"
MAX_DEPTH = 20


@dataclass(frozen=True)
class Text:
    """Words that are there in every step."""

    words: str


@dataclass(frozen=True)
class Change:
    """What stands before a moment and what stands after it.

    `when` is a share of the steps where it was written with a point, else a number of steps.
    """

    before: Sequence
    after: Sequence
    when: float
    is_share: bool


@dataclass(frozen=True)
class Alternation:
    """Texts that take turns, a step each."""

    options: tuple[Sequence, ...]


@dataclass(frozen=True)
class Sequence:
    """Parts one after another."""

    parts: tuple[Text | Change | Alternation, ...]


def prompt_at(prompt: str, step: int, steps: int, *, earlier_steps: int | None = None) -> str:
    """Return the prompt that holds in a step, counted from 0, out of `steps`.

    In the second pass of a hires fix, `earlier_steps` are those of the first: moments up to 1.0
    lie behind it then, as in A1111.
    """
    if "[" not in prompt:
        return prompt
    return _text(_sequence(prompt, 0), _Moment(step, steps, earlier_steps))


@dataclass(frozen=True)
class _Moment:
    step: int
    steps: int
    earlier: int | None

    def is_past(self, change: Change) -> bool:
        """As in A1111, the text before a moment still holds in the step of that number."""
        if self.earlier is None:
            at = change.when * self.steps if change.is_share else change.when
        else:
            at = (change.when - 1.0) * self.steps if change.is_share else change.when - self.earlier
        at = min(self.steps, int(at))
        return at < 1 or self.step > at

    @property
    def turn(self) -> int:
        """Return whose turn it is in an alternation."""
        return max(self.step, 1) - 1


def _text(sequence: Sequence, moment: _Moment) -> str:
    words = []
    for part in sequence.parts:
        if isinstance(part, Text):
            words.append(part.words)
        elif isinstance(part, Change):
            words.append(_text(part.after if moment.is_past(part) else part.before, moment))
        else:
            words.append(_text(part.options[moment.turn % len(part.options)], moment))
    return "".join(words)


def _sequence(text: str, depth: int) -> Sequence:
    """Read a text; brackets that are no editing stay as they are, with what is inside read."""
    parts: list[Text | Change | Alternation] = []
    plain, position = "", 0
    ends = _pairs(text) if depth < MAX_DEPTH else {}
    while position < len(text):
        letter = text[position]
        end = ends.get(position, -1)
        if letter == "\\" and position + 1 < len(text):
            plain, position = plain + text[position : position + 2], position + 2
        elif end < 0:
            plain, position = plain + letter, position + 1
        else:
            inner = text[position + 1 : end]
            parts += [Text(plain), *_bracket(inner, depth + 1)]
            plain, position = "", end + 1
    return Sequence((*parts, Text(plain)))


def _bracket(inner: str, depth: int) -> tuple[Text | Change | Alternation, ...]:
    pieces = _split(inner, ":")
    when = _NUMBER.match(pieces[-1])
    if when and len(pieces) in (2, 3):
        before, after = ("", pieces[0]) if len(pieces) == 2 else pieces[:2]
        share = "." in when[1]
        read: Callable[[str], Sequence] = lambda part: _sequence(part, depth)  # noqa: E731
        return (Change(read(before), read(after), float(when[1]), share),)
    options = _split(inner, "|")
    if len(options) > 1:
        return (Alternation(tuple(_sequence(option, depth) for option in options)),)
    return (Text("["), *_sequence(inner, depth).parts, Text("]"))


def _pairs(text: str) -> dict[int, int]:
    """Return where each square bracket closes; those that never do are left out."""
    found: dict[int, int] = {}
    unclosed: list[int] = []
    position = 0
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 1
        elif letter == "[":
            unclosed.append(position)
        elif letter == "]" and unclosed:
            found[unclosed.pop()] = position
        position += 1
    return found


def _split(text: str, sign: str) -> list[str]:
    """Split at a sign that stands in no bracket of its own and in no `<lora:…>`."""
    pieces, depth, begin, position = [], 0, 0, 0
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 1
        elif letter in _OPENING or letter == "<":
            depth += 1
        elif letter in _CLOSING or letter == ">":
            depth = max(0, depth - 1)
        elif letter == sign and depth == 0:
            pieces.append(text[begin:position])
            begin = position + 1
        position += 1
    return [*pieces, text[begin:]]
