"""From the caption of a picture to the text of a step. Torch-free; every draw is stateless."""

from __future__ import annotations

import re
from dataclasses import dataclass

from training.engine import randomness
from training.engine.data.templates import TEMPLATE_SETS


@dataclass(frozen=True)
class CaptionRule:
    """What is done to captions; see CaptionConfig for the meaning of the fields."""

    seed: int = 0
    trigger_word: str = ""
    keep_tokens: int = 0
    shuffle: bool = False
    dropout: float = 0.0
    tag_dropout: float = 0.0
    separator: str = ","
    templates: tuple[str, ...] = ()
    token: str = ""
    replaced_word: str = ""  # a word of the captions in whose place the token goes

    @property
    def varies(self) -> bool:
        """Tell whether a picture's text can differ from step to step."""
        return bool(self.shuffle or self.dropout or self.tag_dropout or len(self.templates) > 1)

    def text(self, caption: str, step: int, slot: int) -> str:
        """Return the text for a picture shown in a slot of a step."""
        if self.dropout and self._uniform("caption dropout", step, slot) < self.dropout:
            return ""
        if self.replaced_word:
            caption = replace_word(caption, self.replaced_word, self.token)
        caption = self._with_tags_drawn(caption, step, slot)
        if not self.templates:
            return with_trigger(caption, self.trigger_word, self.separator)
        order = randomness.generator(self.seed, "template", step, slot)
        template = self.templates[int(order.integers(len(self.templates)))]
        return template.replace("[name]", self.token).replace("[filewords]", caption)

    def _uniform(self, purpose: str, step: int, slot: int) -> float:
        return randomness.uniform(self.seed, purpose, step, slot)

    def _with_tags_drawn(self, caption: str, step: int, slot: int) -> str:
        if not self.shuffle and not self.tag_dropout:
            return caption
        tags = [tag.strip() for tag in caption.split(self.separator) if tag.strip()]
        kept, rest = tags[: self.keep_tokens], tags[self.keep_tokens :]
        draw = randomness.generator(self.seed, "tags", step, slot)
        if self.shuffle:
            rest = [rest[int(index)] for index in draw.permutation(len(rest))]
        if self.tag_dropout:
            rest = [tag for tag in rest if draw.random() >= self.tag_dropout]
        return f"{self.separator} ".join(kept + rest)


def with_trigger(caption: str, trigger: str, separator: str = ",") -> str:
    """Return the caption with the trigger word in front, unless it already has it."""
    if not trigger or contains_word(caption, trigger):
        return caption
    return f"{trigger}{separator} {caption}" if caption else trigger


def contains_word(text: str, word: str) -> bool:
    """Tell whether `word` stands in `text` on its own, in any case of letters."""
    return _word(word).search(text) is not None


def replace_word(text: str, word: str, other: str) -> str:
    """Return the text with `other` wherever `word` stood on its own."""
    return _word(word).sub(lambda _: other, text)


def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)


def template_sentences(choice: str | list[str]) -> tuple[str, ...]:
    """Return the sentences of a named set, or the own ones; "captions" has none."""
    if isinstance(choice, list):
        return tuple(choice)
    return TEMPLATE_SETS.get(choice, ())
