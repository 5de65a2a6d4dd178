"""A1111's emphasis in prompts: (word), [word], (word:1.3), BREAK. Torch-free and pure.

https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features#attentionemphasis
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STRONGER = 1.1
WEAKER = 1 / 1.1
_PIECES = re.compile(
    r"\\(?P<literal>[()\[\]\\]?)|(?P<weighted>:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*\))|(?P<bracket>[()\[\]])"
    r"|(?P<new_chunk>\bBREAK\b)|(?P<text>[^\\()\[\]:B]+|.)",
    re.DOTALL,
)
_NETWORK = re.compile(r"<(?:lora|hypernet|lyco):[^<>]*>")


@dataclass(frozen=True)
class PromptPart:
    """Some text with its weight; without text, a new chunk of tokens begins here."""

    text: str | None
    weight: float = 1.0


def prompt_parts(prompt: str) -> list[PromptPart]:
    """Return a prompt as parts of equal weight, in order; brackets that never close count too."""
    reading = _Reading()
    for piece in _PIECES.finditer(prompt):
        if not reading.take_sign(piece):
            literal = piece["literal"]
            reading.add(piece.group() if literal is None else literal)
    reading.close_all()
    return _joined(reading.parts())


class _Reading:
    """The texts read so far, their weights, and the brackets that are still open."""

    def __init__(self) -> None:
        self._texts: list[str | None] = []
        self._weights: list[float] = []
        self._open: dict[str, list[int]] = {"(": [], "[": []}  # where each kind begins

    def parts(self) -> list[PromptPart]:
        return [PromptPart(t, w) for t, w in zip(self._texts, self._weights, strict=True)]

    def add(self, text: str | None) -> None:
        self._texts.append(text)
        self._weights.append(1.0)

    def take_sign(self, piece: re.Match[str]) -> bool:
        """Act on a piece that is a sign; False where it is plain text after all."""
        sign = piece.group()
        if piece["new_chunk"]:
            self.add(None)
            return True
        if piece["weighted"]:
            return self._close("(", float(sign[1:-1]))
        if not piece["bracket"]:
            return False
        if sign in "([":
            self._open[sign].append(len(self._texts))
            return True
        return self._close("(", STRONGER) if sign == ")" else self._close("[", WEAKER)

    def close_all(self) -> None:
        for kind, factor in (("(", STRONGER), ("[", WEAKER)):
            while self._close(kind, factor):
                pass

    def _close(self, kind: str, factor: float) -> bool:
        if not self._open[kind]:
            return False
        for index in range(self._open[kind].pop(), len(self._weights)):
            self._weights[index] *= factor
        return True


def networks_in(prompt: str) -> list[str]:
    """Return each `<lora:…>` of a prompt, and its like, as it stands there."""
    return _NETWORK.findall(prompt)


def without_networks(prompt: str) -> str:
    """Return a prompt without `<lora:…>` and its like, which name files and are no text."""
    return _NETWORK.sub("", prompt)


def _joined(parts: list[PromptPart]) -> list[PromptPart]:
    joined: list[PromptPart] = []
    for part in parts:
        last = joined[-1] if joined else None
        same = last is not None and last.text is not None and last.weight == part.weight
        if last is not None and same and part.text is not None:
            joined[-1] = PromptPart(f"{last.text}{part.text}", part.weight)
        else:
            joined.append(part)
    return joined
