"""Text chunks of PNG files: reading them within limits, and writing them without touching pixels.

tEXt holds Latin-1, zTXt the same compressed, iTXt UTF-8 (compressed or not):
https://www.w3.org/TR/png-3/#11textinfo
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from hub.formats.binary_source import BinarySource, opened, size_of
from hub.formats.copying import COPY_BYTES
from hub.formats.errors import ImageMetadataError, Problem
from hub.formats.replaced_file import replaced_file

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
EXIF_CHUNK = b"eXIf"
MAX_KEYWORD_BYTES = 79
CHUNK_OVERHEAD = 12

NOT_PNG = Problem(
    "png_not_recognised", "The picture is not a PNG file. Save it as PNG and try again."
)
DAMAGED = Problem(
    "png_damaged",
    "The PNG file is damaged or cut off. Save the picture again, or transfer it again.",
)
TEXT_TOO_LARGE = Problem(
    "png_text_too_large",
    "The texts in the PNG file take more than the limit of {limit} bytes. Remove them, or save "
    "the picture without metadata.",
)
TOO_MANY_CHUNKS = Problem(
    "png_too_many_chunks",
    "The PNG file has more than the limit of {limit} chunks. Save the picture again.",
)
BAD_KEYWORD = Problem(
    "png_bad_keyword",
    "The name {keyword!r} can't be used in a PNG file: 1 to 79 Latin characters are allowed.",
)
BAD_TEXT = Problem(
    "png_bad_text", "The text for {keyword!r} holds characters that can't be stored in UTF-8."
)


@dataclass(frozen=True, slots=True)
class TextLimits:
    """How much text a picture may carry before it is refused."""

    max_text_bytes: int = 16 << 20
    max_chunks: int = 200_000


DEFAULT_LIMITS = TextLimits()


@dataclass(frozen=True, slots=True)
class PngText:
    """The texts by keyword (the first of each wins) and the raw EXIF block, if there is one."""

    texts: Mapping[str, str]
    exif: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + CHUNK_OVERHEAD + self.length


def read_png_text(source: BinarySource, *, limits: TextLimits = DEFAULT_LIMITS) -> PngText:
    """Read all text chunks, before and behind the pixels.

    A file that is cut off gives what was found before the cut. Raises ImageMetadataError when the
    file is no PNG or goes beyond a limit.
    """
    texts: dict[str, str] = {}
    exif: bytes | None = None
    budget = limits.max_text_bytes
    with opened(source) as stream:
        for chunk in _chunks(stream, limits):
            if chunk.kind not in TEXT_CHUNKS and chunk.kind != EXIF_CHUNK:
                continue
            if chunk.length > budget:
                raise ImageMetadataError(TEXT_TOO_LARGE, limit=limits.max_text_bytes)
            data = _payload(stream, chunk)
            if chunk.kind == EXIF_CHUNK:
                budget -= len(data)
                exif = exif or data
                continue
            keyword, text, used = _decode(chunk.kind, data, budget, limits)
            budget -= used
            texts.setdefault(keyword, text)
    return PngText(texts, exif)


def write_png_text(src: Path, dst: Path, texts: Mapping[str, str]) -> None:
    """Copy a PNG file with these texts; all other chunks stay byte for byte as they are.

    Texts with the same keywords are replaced. `dst` is written beside itself and renamed, so it
    may be `src`. Raises ImageMetadataError.
    """
    new_chunks = b"".join(encode_text_chunk(key, value) for key, value in texts.items())
    with src.open("rb") as stream, replaced_file(dst) as out:
        _copy_with(stream, out, new_chunks, texts)


def encode_text_chunk(keyword: str, text: str) -> bytes:
    """Return one chunk: tEXt where Latin-1 is enough, as A1111 writes it, else iTXt."""
    try:
        key = keyword.encode("latin-1")
    except UnicodeEncodeError:
        key = b""
    if not 1 <= len(key) <= MAX_KEYWORD_BYTES or b"\0" in key:
        raise ImageMetadataError(BAD_KEYWORD, keyword=keyword)
    try:
        return _chunk_bytes(b"tEXt", key + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        pass
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ImageMetadataError(BAD_TEXT, keyword=keyword) from error
    return _chunk_bytes(b"iTXt", key + b"\0\0\0\0\0" + encoded)


def _chunk_bytes(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return len(data).to_bytes(4, "big") + kind + data + checksum.to_bytes(4, "big")


def _copy_with(
    stream: BinaryIO, out: IO[bytes], new_chunks: bytes, texts: Mapping[str, str]
) -> None:
    out.write(SIGNATURE)
    kinds = []
    for chunk in _chunks(stream, DEFAULT_LIMITS):
        kinds.append(chunk.kind)
        if chunk.kind in TEXT_CHUNKS:
            head = stream.read(min(chunk.length, MAX_KEYWORD_BYTES + 1))
            if head.partition(b"\0")[0].decode("latin-1") in texts:
                continue
        _copy_range(stream, out, chunk)
        if chunk.kind == b"IHDR":
            out.write(new_chunks)
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND":
        raise ImageMetadataError(DAMAGED)


def _copy_range(stream: BinaryIO, out: IO[bytes], chunk: _Chunk) -> None:
    stream.seek(chunk.start)
    remaining = chunk.end - chunk.start
    while remaining:
        data = stream.read(min(remaining, COPY_BYTES))
        out.write(data)
        remaining -= len(data)


def _chunks(stream: BinaryIO, limits: TextLimits) -> Iterator[_Chunk]:
    """Yield the complete chunks in order; the stream stands at each one's data."""
    size = size_of(stream)
    if stream.read(len(SIGNATURE)) != SIGNATURE:
        raise ImageMetadataError(NOT_PNG)
    position = len(SIGNATURE)
    for _ in range(limits.max_chunks):
        stream.seek(position)
        head = stream.read(8)
        if len(head) < 8:
            return
        chunk = _Chunk(head[4:], position, int.from_bytes(head[:4], "big"))
        if chunk.end > size:
            return
        yield chunk
        position = chunk.end
        if chunk.kind == b"IEND":
            return
    raise ImageMetadataError(TOO_MANY_CHUNKS, limit=limits.max_chunks)


def _payload(stream: BinaryIO, chunk: _Chunk) -> bytes:
    stream.seek(chunk.start + 8)
    return stream.read(chunk.length)


def _decode(kind: bytes, data: bytes, budget: int, limits: TextLimits) -> tuple[str, str, int]:
    """Return keyword, text and the bytes that the text takes when unpacked."""
    key, _, rest = data.partition(b"\0")
    is_packed, encoding = kind == b"zTXt", "latin-1"
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        is_packed, encoding = rest[:1] == b"\1", "utf-8"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    if is_packed:
        rest = _unpack(rest, budget, limits)
    return key.decode("latin-1"), rest.decode(encoding, errors="replace"), len(rest)


def _unpack(data: bytes, budget: int, limits: TextLimits) -> bytes:
    decompressor = zlib.decompressobj()
    try:
        text = decompressor.decompress(data, budget + 1)
    except zlib.error as error:
        raise ImageMetadataError(DAMAGED) from error
    if len(text) > budget:
        raise ImageMetadataError(TEXT_TOO_LARGE, limit=limits.max_text_bytes)
    return text
