"""What a caption file means: a list of tags, or running text that must keep its commas."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hub.formats.captions import decode_caption, split_tags
from hub.formats.errors import CaptionError
from training.datasets.models.importing import Outcome
from training.datasets.models.item import CaptionStyle
from training.datasets.sources import Refused

LONGEST_TAG_WORDS = 8
LONGEST_TAG_CHARACTERS = 80
_SENTENCE_END = re.compile(r"[.!?](\s|$)|[。！？]")
_FEWEST_SENTENCE_WORDS = 5


@dataclass(frozen=True)
class Caption:
    """A caption in the form it is kept; `text` is empty where it is a list of tags."""

    style: CaptionStyle
    tags: tuple[str, ...] = ()
    text: str = ""


def read_caption(data: bytes, *, max_characters: int) -> Caption:
    """Decode a caption file and tell which kind it is. Raises Refused when it is no text."""
    try:
        text = decode_caption(data).text.strip()
    except CaptionError as error:
        raise Refused(Outcome.BROKEN, str(error)) from error
    if len(text) > max_characters:
        raise Refused(Outcome.TOO_LARGE)
    return caption_of(text)


def caption_of(text: str) -> Caption:
    """The caption that a text is."""
    tags = split_tags(text)
    if is_running_text(text, tags):
        return Caption(CaptionStyle.TEXT, text=" ".join(text.split()))
    return Caption(CaptionStyle.TAGS, tags=tags)


def is_running_text(text: str, tags: tuple[str, ...]) -> bool:
    """Whether it is sentences: a sentence mark after enough words, or one overlong part."""
    words = text.split()
    if len(words) >= _FEWEST_SENTENCE_WORDS and _SENTENCE_END.search(text):
        return True
    return any(
        len(tag.split()) > LONGEST_TAG_WORDS or len(tag) > LONGEST_TAG_CHARACTERS for tag in tags
    )
