"""Where a picture ends by its own format, and whether what stands behind it belongs there.

Viewers stop at the end and show the picture; other programs look for an archive or a script in all
of the file. Behind the end only padding is known, and behind a JPEG also what cameras and phones
write there: more JPEGs (MPF: gain maps, depth, previews), a video (Motion Photo) and Samsung's
blocks of facts ("SEFT"). Formats: PNG 3, section 5; ITU T.81, annex B; GIF89a, section 12; RFC 9649
(WebP); ISO 14496-12 (AVIF, MP4).
"""

import re
from collections.abc import Callable, Mapping
from typing import BinaryIO

from hub.formats.binary_source import size_of
from hub.formats.detection import HEAD_BYTES, FileType, type_of_head
from hub.formats.disguises import HIDDEN_ARCHIVE, DisguiseError
from hub.formats.errors import Problem
from hub.formats.zip_layout import has_archive_at_end

LOOK_BYTES = 1 << 20
MAX_PARTS = 1_000_000
MAX_PIECES = 32
NOT_PADDING = re.compile(rb"[^\x00\r\n ]")
#: Not the zeros of escaped pixels, not the marks for a restart, not what fills up.
JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
JPEG_START, JPEG_END, JPEG_ALONE = b"\xff\xd8\xff", 0xD9, frozenset({0x01, 0xD8})
GIF_EXTENSION, GIF_IMAGE, GIF_END = 0x21, 0x2C, 0x3B
BOXES = frozenset(
    {
        *(b"ftyp", b"styp", b"meta", b"mdat", b"moov", b"moof", b"mfra", b"sidx", b"free"),
        *(b"skip", b"wide", b"uuid", b"pdin", b"emsg", b"idat", b"mpvd"),
    }
)
SAMSUNG_END, SAMSUNG_DIRECTORY, SAMSUNG_MOST = b"SEFT", b"SEFH", 12 + 12 * 256
#: What other programs look for anywhere in a file. Shorter marks would be met by chance.
HIDDEN = {
    "RAR": re.compile(rb"Rar!\x1a\x07"),
    "7z": re.compile(rb"7z\xbc\xaf\x27\x1c"),
    "PHP": re.compile(rb"<\?[pP][hH][pP]\s"),
}
MARK_BYTES = 8

NO_END = Problem(
    "picture_without_end",
    "The picture is broken: it breaks off before its end. Send it again, or save it again as PNG.",
)
FOREIGN_BYTES = Problem(
    "picture_foreign_bytes",
    "{size} bytes that do not belong to the picture follow behind its end: another program may "
    "open them as an archive or a script. Save the picture again as PNG.",
)
HIDDEN_INSIDE = Problem(
    "picture_hidden_content",
    "The picture carries something else inside that another program would unpack or run ({what}). "
    "Save it again as PNG, without metadata.",
)

Reader = Callable[[BinaryIO, int], int | None]


def picture_length(stream: BinaryIO) -> int:
    """Return how many bytes, from the start, are the picture; the rest may be cut off.

    Raises DisguiseError where something follows that no camera writes, where a PNG has no end, or
    where an archive or a script is hidden anywhere. What is no picture is taken whole.
    """
    size = size_of(stream)
    head = _read_at(stream, 0, HEAD_BYTES)
    kind = type_of_head(head, size)
    reader = _bmp_end if head.startswith(b"BM") else ENDS.get(kind)
    if reader is None:
        return size
    end = reader(stream, size)
    if end is None and kind is FileType.PNG:
        raise DisguiseError(NO_END)
    if has_archive_at_end(stream):
        raise DisguiseError(HIDDEN_ARCHIVE)
    _check_inside(stream)
    if end is None or end >= size:
        return size
    if not _belongs(stream, end, size, kind):
        raise DisguiseError(FOREIGN_BYTES, size=size - end)
    return end


def _check_inside(stream: BinaryIO) -> None:
    stream.seek(0)
    kept = b""
    while piece := stream.read(LOOK_BYTES):
        window = kept + piece
        for what, mark in HIDDEN.items():
            if mark.search(window):
                raise DisguiseError(HIDDEN_INSIDE, what=what)
        kept = window[-MARK_BYTES:]


def _belongs(stream: BinaryIO, at: int, size: int, kind: FileType) -> bool:
    """Whether everything from `at` on is padding, or what cameras write behind a JPEG."""
    stop = size
    if kind is FileType.JPEG:
        stop = _samsung_start(stream, size) or size
    for _piece in range(MAX_PIECES):
        found = _find(stream, NOT_PADDING, at, stop)
        if found is None:
            return True
        end = _piece_end(stream, found, stop) if kind is FileType.JPEG else None
        if end is None or not found < end <= stop:
            return False
        at = end
    return False


def _piece_end(stream: BinaryIO, at: int, stop: int) -> int | None:
    if _read_at(stream, at, len(JPEG_START)) == JPEG_START:
        return _jpeg_end(stream, stop, start=at)
    # The length in front of a video's first box may begin with zeros, as padding does.
    start = next((at - back for back in range(4) if _is_video(stream, at - back)), None)
    return None if start is None else _boxes_end(stream, stop, start=start)


def _is_video(stream: BinaryIO, at: int) -> bool:
    return _read_at(stream, at + 4, 4) == b"ftyp"


def _samsung_start(stream: BinaryIO, size: int) -> int | None:
    """Where the blocks begin that Samsung's directory at the file's end names."""
    tail = _read_at(stream, size - 8, 8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != SAMSUNG_END or not 12 <= length <= SAMSUNG_MOST:
        return None
    directory_at = size - 8 - length
    directory = _read_at(stream, directory_at, length)
    count = int.from_bytes(directory[8:12], "little")
    if not directory.startswith(SAMSUNG_DIRECTORY) or not 0 < 12 * count <= length - 12:
        return None
    entries = [directory[at : at + 12] for at in range(12, 12 + 12 * count, 12)]
    start = directory_at
    for entry in entries:
        back, block = (int.from_bytes(entry[i : i + 4], "little") for i in (4, 8))
        # Each block repeats the kind that the directory names.
        if block > back or _read_at(stream, directory_at - back, 4)[2:] != entry[2:4]:
            return None
        start = min(start, directory_at - back)
    return start


def _png_end(stream: BinaryIO, size: int) -> int | None:
    at = 8
    for _part in range(MAX_PARTS):
        head = _read_at(stream, at, 8)
        at += 12 + int.from_bytes(head[:4], "big")
        if len(head) < 8 or at > size:
            return None
        if head[4:] == b"IEND":
            return at
    return None


def _jpeg_end(stream: BinaryIO, size: int, *, start: int = 0) -> int | None:
    at: int | None = start + 2
    for _part in range(MAX_PARTS):
        at = _find(stream, JPEG_MARKER, at or 0, size)
        if at is None:
            return None
        head = _read_at(stream, at, 4)
        if head[1] == JPEG_END:
            return at + 2
        length = 0 if head[1] in JPEG_ALONE else int.from_bytes(head[2:4], "big")
        at += 2 + length
    return None


def _gif_end(stream: BinaryIO, size: int) -> int | None:
    at = 13 + _palette_bytes(_read_at(stream, 10, 1))
    for _part in range(MAX_PARTS):
        block = _read_at(stream, at, 10)
        if not block:
            return None
        if block[0] == GIF_END:
            return at + 1
        if block[0] == GIF_EXTENSION:
            at += 2
        elif block[0] == GIF_IMAGE:
            at += 11 + _palette_bytes(block[9:])
        else:
            return at
        while (length := int.from_bytes(_read_at(stream, at, 1), "big")) and at < size:
            at += 1 + length
        at += 1
    return None


def _palette_bytes(flags: bytes) -> int:
    value = flags[0] if flags else 0
    return 3 << ((value & 7) + 1) if value & 0x80 else 0


def _webp_end(stream: BinaryIO, _size: int) -> int:
    length = int.from_bytes(_read_at(stream, 4, 4), "little")
    return 8 + length + length % 2


def _boxes_end(stream: BinaryIO, size: int, *, start: int = 0) -> int | None:
    at = start
    for _part in range(MAX_PARTS):
        head = _read_at(stream, at, 16)
        if head[4:8] not in BOXES:
            return at
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:
            return size if length == 0 else at
        at += length
        if at >= size:
            return at
    return None


def _bmp_end(stream: BinaryIO, _size: int) -> int | None:
    """By the header's size, or by the pixels where that says less, as some programs write."""
    head = _read_at(stream, 0, 54)
    if len(head) < 54:
        return None
    stated, pixels_at = (int.from_bytes(head[at : at + 4], "little") for at in (2, 10))
    width, height = (
        abs(int.from_bytes(head[at : at + 4], "little", signed=True)) for at in (18, 22)
    )
    row_bytes = (width * int.from_bytes(head[28:30], "little") + 31) // 32 * 4
    is_plain = int.from_bytes(head[30:34], "little") in {0, 3}
    return max(stated, pixels_at + row_bytes * height if is_plain else 0)


ENDS: Mapping[FileType, Reader] = {
    FileType.PNG: _png_end,
    FileType.JPEG: _jpeg_end,
    FileType.GIF: _gif_end,
    FileType.WEBP: _webp_end,
    FileType.AVIF: _boxes_end,
}


def _find(stream: BinaryIO, pattern: re.Pattern[bytes], at: int, stop: int) -> int | None:
    """Where a pattern of at most two bytes begins, from `at` to before `stop`."""
    step = 64
    while at < stop:
        window = _read_at(stream, at, min(step, stop - at))
        found = pattern.search(window)
        if found is not None:
            return at + found.start()
        if len(window) < 2:
            return None
        at, step = at + len(window) - 1, LOOK_BYTES
    return None


def _read_at(stream: BinaryIO, position: int, size: int) -> bytes:
    if position < 0 or size <= 0:
        return b""
    stream.seek(position)
    return stream.read(size)
