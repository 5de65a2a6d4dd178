"""From the caption of a picture to the text of a step. Torch-free; every draw is stateless."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from numpy.random import Generator

from hub.formats.trigger_words import replace_word, with_trigger
from training.engine import randomness
from training.engine.data.templates import TEMPLATE_SETS

WILDCARD_DEPTH = 8
_MEANT = re.compile(r"\{\{([^{}]*)\}\}")
_WILDCARD = re.compile(r"\{([^{}]*)\}")
_LINE_ENDS = (".", "!", "?", ":", ";", ",", "。", "！", "？", "，")
_OPEN, _CLOSE = "\ue000", "\ue001"  # of the private use area: no caption has them


@dataclass(frozen=True)
class CaptionRule:
    """What is done to captions; see CaptionConfig for the meaning of the fields."""

    seed: int = 0
    trigger_word: str = ""
    trigger_last: bool = False
    keep_tokens: int = 0
    shuffle: bool = False
    dropout: float = 0.0
    dropout_every_epochs: int = 0
    steps_per_epoch: int = 1
    tag_dropout: float = 0.0
    tag_warmup_steps: int = 0
    tag_warmup_min: int = 1
    separator: str = ","
    keep_separator: str = ""
    secondary_separator: str = ""
    prefix: str = ""
    suffix: str = ""
    wildcards: bool = False
    templates: tuple[str, ...] = ()
    token: str = ""
    replaced_word: str = ""  # a word of the captions in whose place the token goes

    @property
    def varies(self) -> bool:
        """Tell whether a picture's text can differ from step to step."""
        drops = self.dropout or self.dropout_every_epochs or self.tag_dropout
        comes_in = self.wildcards or self.tag_warmup_steps
        return bool(self.shuffle or drops or comes_in or len(self.templates) > 1)

    def without_chance(self) -> CaptionRule:
        """Return the rule that always gives a picture the same text."""
        still = replace(self, shuffle=False, dropout=0.0, dropout_every_epochs=0, tag_dropout=0.0)
        return replace(still, tag_warmup_steps=0)

    def text(self, caption: str, step: int, slot: int) -> str:
        """Return the text for a picture shown in a slot of a step."""
        if self._is_dropped(step, slot):
            return ""
        caption = self._framed(caption)
        if self.wildcards:
            caption = with_wildcards_drawn(
                caption, randomness.generator(self.seed, "wildcards", step, slot)
            )
        if self.replaced_word:
            caption = replace_word(caption, self.replaced_word, self.token)
        caption = self._with_tags_drawn(caption, step, slot)
        if self.secondary_separator:
            caption = caption.replace(self.secondary_separator, self.separator)
        if not self.templates:
            return with_trigger(caption, self.trigger_word, self.separator, last=self.trigger_last)
        order = randomness.generator(self.seed, "template", step, slot)
        template = self.templates[int(order.integers(len(self.templates)))]
        return template.replace("[name]", self.token).replace("[filewords]", caption)

    def _framed(self, caption: str) -> str:
        """Return a caption with the text before and behind it: each line, where one is drawn."""
        lines = caption.splitlines() if self.wildcards else [in_one_line(caption, self.separator)]
        kept = [line.strip() for line in lines if line.strip()] or [""]
        parts = ((self.prefix, line, self.suffix) for line in kept)
        return "\n".join(" ".join(part for part in three if part) for three in parts)

    def _is_dropped(self, step: int, slot: int) -> bool:
        """Tell whether a picture is shown without a caption; epochs count from 1, as in kohya's."""
        every = self.dropout_every_epochs
        if every and (step // self.steps_per_epoch + 1) % every == 0:
            return True
        return bool(self.dropout) and self._uniform("caption dropout", step, slot) < self.dropout

    def _uniform(self, purpose: str, step: int, slot: int) -> float:
        return randomness.uniform(self.seed, purpose, step, slot)

    def _with_tags_drawn(self, caption: str, step: int, slot: int) -> str:
        """Return a caption with its tags shuffled and dropped; those kept stay where they are."""
        marked = bool(self.keep_separator) and self.keep_separator in caption
        changes = self.shuffle or self.tag_dropout or self.tag_warmup_steps
        if not marked and not changes:
            return caption
        first, rest, last = self._parts(caption, marked=marked)
        rest = rest[: self._shown(len(rest), step)]
        draw = randomness.generator(self.seed, "tags", step, slot)
        if self.shuffle:
            rest = [rest[int(index)] for index in draw.permutation(len(rest))]
        if self.tag_dropout:
            rest = [tag for tag in rest if draw.random() >= self.tag_dropout]
        return f"{self.separator} ".join(first + rest + last)

    def _shown(self, tags: int, step: int) -> int:
        """Return how many of the tags that may move are shown in a step, as kohya's scripts do."""
        if step >= self.tag_warmup_steps:
            return tags
        share = step * (tags - self.tag_warmup_min) / self.tag_warmup_steps
        return max(0, math.floor(share) + self.tag_warmup_min)

    def _parts(self, caption: str, *, marked: bool) -> tuple[list[str], list[str], list[str]]:
        """Return the tags kept at the start, those that may move, and those kept at the end."""
        if not marked:
            tags = self._tags(caption)
            return tags[: self.keep_tokens], tags[self.keep_tokens :], []
        first, rest, *last = caption.split(self.keep_separator, 2)
        return self._tags(first), self._tags(rest), self._tags(last[0]) if last else []

    def _tags(self, text: str) -> list[str]:
        return [tag.strip() for tag in text.split(self.separator) if tag.strip()]


def with_wildcards_drawn(caption: str, draw: Generator) -> str:
    """Return one line of a caption, with one choice of each {a|b}, from the innermost outwards.

    {{words}} stands for words in braces that are meant.
    """
    lines = [line for line in caption.splitlines() if line.strip()] or [""]
    text = _MEANT.sub(f"{_OPEN}\\1{_CLOSE}", lines[int(draw.integers(len(lines)))])

    def chosen(found: re.Match[str]) -> str:
        choices = found[1].split("|")
        return choices[int(draw.integers(len(choices)))]

    for _ in range(WILDCARD_DEPTH):
        text, count = _WILDCARD.subn(chosen, text)
        if not count:
            break
    return text.replace(_OPEN, "{").replace(_CLOSE, "}")


def in_one_line(caption: str, separator: str = ",") -> str:
    """Return a caption with its lines one after another: a line is a tag, or ends a sentence."""
    lines = [line.strip() for line in caption.splitlines() if line.strip()]
    text = "".join(lines[:1])
    for line in lines[1:]:
        text += f" {line}" if text.endswith((separator, *_LINE_ENDS)) else f"{separator} {line}"
    return text


def template_sentences(choice: str | list[str]) -> tuple[str, ...]:
    """Return the sentences of a named set, or the own ones; "captions" has none."""
    if isinstance(choice, list):
        return tuple(choice)
    return TEMPLATE_SETS.get(choice, ())
