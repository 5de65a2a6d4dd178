"""What changed between two texts, in words: for people who compare two states of a card."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

TOKEN = re.compile(r"\s+|[a-zA-Z0-9_\u00c0-\u024f]+|.", re.DOTALL)
MAX_TOKENS = 3000
CONTEXT = 160


class Change(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring words that share a fate; a SKIPPED one has no text."""

    change: Change
    text: str


def diff_words(before: str, after: str) -> list[Piece]:
    """Pieces that read as the new text with the old words struck out; long sameness is left out.

    Lines are matched first, words only inside lines that changed and up to MAX_TOKENS, since the
    matcher's time grows with the square of what it is given.
    """
    pieces: list[Piece] = []
    for piece in _pieces(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        if pieces and pieces[-1].change is piece.change:
            pieces[-1] = Piece(piece.change, pieces[-1].text + piece.text)
        else:
            pieces.append(piece)
    return [shown for piece in pieces for shown in _shortened(piece)]


def _pieces(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        old, new = "".join(before[a1:a2]), "".join(after[b1:b2])
        if tag == "equal":
            yield Piece(Change.SAME, new)
        elif tag == "replace":
            yield from _words(old, new)
        else:
            yield Piece(Change.REMOVED, old) if old else Piece(Change.ADDED, new)


def _words(old: str, new: str) -> Iterator[Piece]:
    before, after = TOKEN.findall(old), TOKEN.findall(new)
    if len(before) + len(after) > MAX_TOKENS:
        yield Piece(Change.REMOVED, old)
        yield Piece(Change.ADDED, new)
        return
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            yield Piece(Change.SAME, "".join(after[b1:b2]))
            continue
        if a2 > a1:
            yield Piece(Change.REMOVED, "".join(before[a1:a2]))
        if b2 > b1:
            yield Piece(Change.ADDED, "".join(after[b1:b2]))


def _shortened(piece: Piece) -> Iterator[Piece]:
    if piece.change is not Change.SAME or len(piece.text) <= 3 * CONTEXT:
        yield piece
        return
    yield Piece(Change.SAME, piece.text[:CONTEXT])
    yield Piece(Change.SKIPPED, "")
    yield Piece(Change.SAME, piece.text[-CONTEXT:])
