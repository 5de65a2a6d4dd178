"""Caption files: bytes to text, text to tags, tags to text.

Captions come from many programs and countries: UTF-8 with or without a mark, UTF-16 from Windows
editors, GB18030 and Shift-JIS from older ones. What isn't Unicode has to be guessed; bytes that
are valid UTF-8 are always taken for it.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from hub.formats.errors import CaptionError, Problem

MAX_CAPTION_BYTES = 1 << 20
SEPARATORS = re.compile(r"[,，、\r\n]")
SPACES = re.compile(r"\s+")
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Earlier wins a tie. cp932 is Shift-JIS as Windows writes it.
GUESSED_ENCODINGS = ("gb18030", "cp932")

TOO_LONG = Problem(
    "caption_too_long",
    "The caption is {size} bytes long and the limit is {limit}. Shorten it, or check that the "
    "file really is a caption.",
)
UNDECODABLE = Problem(
    "caption_undecodable",
    "The caption is not text in UTF-8, UTF-16, GB18030 or Shift-JIS. Save it as UTF-8.",
)


@dataclass(frozen=True, slots=True)
class CaptionText:
    """A decoded caption, NFC-normalised, and the encoding that it came in."""

    text: str
    encoding: str


def decode_caption(raw: bytes, *, max_bytes: int = MAX_CAPTION_BYTES) -> CaptionText:
    """Decode a caption file. Raises CaptionError when it is too long or no text."""
    if len(raw) > max_bytes:
        raise CaptionError(TOO_LONG, size=len(raw), limit=max_bytes)
    encoding = _marked_encoding(raw) or _guessed_encoding(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise CaptionError(UNDECODABLE) from error
    if "\0" in text:
        raise CaptionError(UNDECODABLE)
    return CaptionText(unicodedata.normalize("NFC", text), encoding)


def split_tags(text: str) -> tuple[str, ...]:
    """Split at commas (Western and Chinese) and line ends; empty tags and repeats fall away."""
    tags = (normalise_tag(part) for part in SEPARATORS.split(text))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def join_tags(tags: Iterable[str]) -> str:
    """Write tags as the trainers expect them."""
    return ", ".join(tags)


def normalise_tag(tag: str) -> str:
    """Trim, collapse white space and compose characters, so that equal tags compare equal."""
    return SPACES.sub(" ", unicodedata.normalize("NFC", tag)).strip()


def _marked_encoding(raw: bytes) -> str | None:
    return next((name for mark, name in BYTE_ORDER_MARKS if raw.startswith(mark)), None)


def _guessed_encoding(raw: bytes) -> str:
    if _decodes(raw, "utf-8"):
        return "utf-8"
    candidates = [name for name in GUESSED_ENCODINGS if _is_text_in(raw, name)]
    if not candidates:
        raise CaptionError(UNDECODABLE)
    return max(candidates, key=lambda name: _plausibility(raw.decode(name), name))


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_text_in(raw: bytes, encoding: str) -> bool:
    """Private characters mean that a byte had no meaning in the encoding."""
    return _decodes(raw, encoding) and all(
        unicodedata.category(character) != "Co" for character in raw.decode(encoding)
    )


def _plausibility(text: str, encoding: str) -> float:
    """Return the share of the non-ASCII characters that are everyday ones in this encoding."""
    foreign = [character for character in text if ord(character) > 0x7F]
    everyday = sum(_is_everyday(character, encoding) for character in foreign)
    return everyday / len(foreign)


def _is_everyday(character: str, encoding: str) -> bool:
    if "\u3040" <= character <= "\u30ff":  # kana: everyday in Japanese, rare in Chinese captions
        return encoding == "cp932"
    raw = character.encode(encoding, errors="replace")
    if len(raw) != 2:
        return False
    # Both standards sort their common characters into a first block, and punctuation before it.
    if encoding == "gb18030":
        return raw[1] >= 0xA1 and (raw[0] in {0xA1, 0xA3} or 0xB0 <= raw[0] <= 0xD7)
    return raw[0] == 0x81 or 0x88 <= raw[0] <= 0x97
