"""Texts in the EXIF block of JPEG, WebP and PNG files: UserComment and a few plain fields.

Layout: TIFF header, directory 0, and the Exif directory that it points to. UserComment starts
with eight bytes that name its character set; the tools' habits are told in `decode_user_comment`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hub.formats.binary_source import BinarySource, opened, size_of

MAX_EXIF_BYTES = 16 << 20
MAX_ENTRIES = 1_000
MAX_SEGMENTS = 10_000
EXIF_MARKER = b"Exif\0\0"
CHARSET_BYTES = 8
PROBE_BYTES = 1_000

TAG_IMAGE_DESCRIPTION = 0x010E
TAG_MAKE = 0x010F
TAG_MODEL = 0x0110
TAG_EXIF_DIRECTORY = 0x8769
TAG_USER_COMMENT = 0x9286
BYTE_TYPES = frozenset({1, 2, 7})  # BYTE, ASCII, UNDEFINED
LONG_TYPE = 4

JPEG_START = b"\xff\xd8"
JPEG_APP1 = 0xE1
JPEG_COMMENT = 0xFE
JPEG_SCAN = 0xDA
JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class ExifText:
    """The texts of interest; None where the block has none."""

    user_comment: str | None = None
    image_description: str | None = None
    make: str | None = None
    model: str | None = None
    jpeg_comment: str | None = None


def read_jpeg_text(source: BinarySource) -> ExifText:
    """Read the EXIF texts and the comment segment of a JPEG file."""
    found = ExifText()
    comment: str | None = None
    with opened(source) as stream:
        for marker, data in _jpeg_segments(stream):
            if marker == JPEG_APP1 and data.startswith(EXIF_MARKER) and found == ExifText():
                found = parse_exif(data)
            elif marker == JPEG_COMMENT and comment is None:
                comment = data.decode("utf-8", errors="replace").strip("\0 ") or None
    return ExifText(found.user_comment, found.image_description, found.make, found.model, comment)


def read_webp_text(source: BinarySource) -> ExifText:
    """Read the EXIF texts of a WebP file."""
    with opened(source) as stream:
        size = size_of(stream)
        position = 12
        for _ in range(MAX_SEGMENTS):
            stream.seek(position)
            head = stream.read(8)
            length = int.from_bytes(head[4:], "little")
            if len(head) < 8 or position + 8 + length > size:
                break
            if head[:4] == b"EXIF":
                return parse_exif(stream.read(min(length, MAX_EXIF_BYTES)))
            position += 8 + length + length % 2
    return ExifText()


def parse_exif(block: bytes) -> ExifText:
    """Read an EXIF block with or without its `Exif` marker. Damaged parts count as absent."""
    tiff = _Tiff(block.removeprefix(EXIF_MARKER))
    main = dict(tiff.entries(tiff.first_directory()))
    pointer = main.get(TAG_EXIF_DIRECTORY)
    sub = dict(tiff.entries(tiff.integer(pointer))) if pointer else {}
    comment = sub.get(TAG_USER_COMMENT) or main.get(TAG_USER_COMMENT)
    return ExifText(
        user_comment=decode_user_comment(comment, tiff.order) if comment else None,
        image_description=_plain(main.get(TAG_IMAGE_DESCRIPTION)),
        make=_plain(main.get(TAG_MAKE)),
        model=_plain(main.get(TAG_MODEL)),
    )


def decode_user_comment(value: bytes, byte_order: str = "big") -> str | None:
    """Decode a UserComment; None if it is empty.

    UNICODE means UTF-16: by its mark, else by where the zero bytes are, else by the order of the
    block. Without a known prefix the text is taken for UTF-8, or UTF-16 if it is full of zeros.
    """
    charset, body = value[:CHARSET_BYTES], value[CHARSET_BYTES:]
    if charset.startswith(b"UNICODE"):
        text = _decode_utf16(body, byte_order)
    elif charset.startswith((b"ASCII", b"UTF8", b"UTF-8")) or charset == b"\0" * CHARSET_BYTES:
        text = body.decode("utf-8", errors="replace")
    elif b"\0" in value[:PROBE_BYTES].rstrip(b"\0"):
        text = _decode_utf16(value, byte_order)
    else:
        text = value.decode("utf-8", errors="replace")
    return text.strip("\0").strip() or None


def _decode_utf16(body: bytes, byte_order: str) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", errors="replace")
    probe = body[:PROBE_BYTES]
    even, odd = probe[::2].count(0), probe[1::2].count(0)
    if even == odd:
        codec = "utf-16-le" if byte_order == "little" else "utf-16-be"
    else:
        codec = "utf-16-be" if even > odd else "utf-16-le"
    return body.decode(codec, errors="replace")


def _plain(value: bytes | None) -> str | None:
    return value.decode("utf-8", errors="replace").strip("\0 ") or None if value else None


class _Tiff:
    """Just enough of TIFF to find directory entries; every offset is checked."""

    def __init__(self, data: bytes) -> None:
        self._data = data[:MAX_EXIF_BYTES]
        self.order: str = "little" if data.startswith(b"II") else "big"

    def first_directory(self) -> int:
        return self.integer(self._data[4:8]) if self._data[:2] in {b"II", b"MM"} else 0

    def integer(self, raw: bytes) -> int:
        return int.from_bytes(raw, "little" if self.order == "little" else "big")

    def entries(self, offset: int) -> Iterator[tuple[int, bytes]]:
        """Yield (tag, value bytes) of the entries that hold bytes or one long number."""
        if offset < 8:
            return
        count = min(self.integer(self._data[offset : offset + 2]), MAX_ENTRIES)
        for index in range(count):
            start = offset + 2 + 12 * index
            entry = self._data[start : start + 12]
            if len(entry) < 12:
                return
            kind, length = self.integer(entry[2:4]), self.integer(entry[4:8])
            if kind == LONG_TYPE and length == 1:
                yield self.integer(entry[:2]), entry[8:]
            elif kind in BYTE_TYPES:
                yield self.integer(entry[:2]), self._value(entry, length)

    def _value(self, entry: bytes, length: int) -> bytes:
        if length <= 4:
            return entry[8 : 8 + length]
        start = self.integer(entry[8:])
        return self._data[start : start + length]


def _jpeg_segments(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield (marker, data) of the APP1 and comment segments before the picture itself."""
    if stream.read(2) != JPEG_START:
        return
    for _ in range(MAX_SEGMENTS):
        marker = _next_marker(stream)
        if marker is None or marker == JPEG_SCAN:
            return
        if marker in JPEG_STANDALONE:
            continue
        length = int.from_bytes(stream.read(2), "big")
        if length < 2:
            return
        data = stream.read(length - 2)
        if marker in {JPEG_APP1, JPEG_COMMENT}:
            yield marker, data


def _next_marker(stream: BinaryIO) -> int | None:
    if stream.read(1) != b"\xff":
        return None
    for _ in range(MAX_SEGMENTS):
        byte = stream.read(1)
        if byte != b"\xff":  # any number of fill bytes may come before a marker
            return byte[0] if byte else None
    return None
