"""Whether all programs see the same files in a zip archive, and no byte of it is hidden.

The readers disagree about unusual archives: where the directory is when something stands before or
behind it, which of two entries of one name counts, what lies between two members. An archive that
leaves no room for that has its members one after the other from the first byte, then the directory,
then the end record, and nothing else. Ordinary programs write no other.
"""

import struct
import zipfile
from typing import BinaryIO

from hub.formats.binary_source import size_of
from hub.formats.errors import ArchiveError, Problem

LOCAL_HEADER = struct.Struct("<4s5H3I2H")
LOCAL_MAGIC = b"PK\x03\x04"
DIRECTORY_MAGIC = b"PK\x01\x02"
END_RECORD = struct.Struct("<4s4H2LH")
END_MAGIC = b"PK\x05\x06"
ZIP64_END = struct.Struct("<4sQ2H2L4Q")
ZIP64_END_MAGIC = b"PK\x06\x06"
ZIP64_LOCATOR_BYTES = 20
ZIP64_LOCATOR_MAGIC = b"PK\x06\x07"
DESCRIPTOR_FLAG = 0x08
DESCRIPTOR_BYTES = frozenset({12, 16, 20, 24})
MAX_COMMENT_BYTES = 0xFFFF

HIDDEN_BYTES = Problem(
    "archive_hidden_bytes",
    "The archive holds bytes at {start} that none of its files names, so programs may disagree "
    "about what is in it. Pack it again as an ordinary zip file.",
)
OVERLAP = Problem(
    "archive_overlap",
    "The file {name!r} shares its bytes with another one of the archive, which looks like an "
    "attack on the server. Pack it again without tricks.",
)
SAME_NAME = Problem(
    "archive_same_name",
    "The archive holds the name {name!r} twice, so programs would disagree about which one counts. "
    "Pack it again.",
)


def check_layout(archive: zipfile.ZipFile, stream: BinaryIO) -> None:
    """Raise ArchiveError unless every byte of the open archive belongs to exactly one thing."""
    _check_names(archive.infolist())
    directory_at = _directory_start(stream, comment_bytes=len(archive.comment))
    members = sorted(archive.infolist(), key=lambda item: item.header_offset)
    starts = [info.header_offset for info in members]
    position = 0
    for info, next_at in zip(members, [*starts[1:], directory_at], strict=True):
        if info.header_offset < position:
            raise ArchiveError(OVERLAP, name=info.filename)
        if info.header_offset > position:
            raise ArchiveError(HIDDEN_BYTES, start=position)
        position = _end_of(stream, info, next_at=next_at)
    if position > directory_at:
        raise ArchiveError(OVERLAP, name=members[-1].filename)
    if position < directory_at:
        raise ArchiveError(HIDDEN_BYTES, start=position)


def has_archive_at_end(stream: BinaryIO) -> bool:
    """Whether a file of another type ends as a zip archive does: a program may open it as one.

    The end record has to point at a directory, so that the same four bytes among weights mean
    nothing.
    """
    size = size_of(stream)
    tail_bytes = min(size, END_RECORD.size + MAX_COMMENT_BYTES)
    tail = _read_at(stream, size - tail_bytes, tail_bytes)
    at = tail.rfind(END_MAGIC)
    while at >= 0:
        if _points_at_directory(stream, tail[at : at + END_RECORD.size], size - tail_bytes + at):
            return True
        at = tail.rfind(END_MAGIC, 0, at)
    return False


def _points_at_directory(stream: BinaryIO, record: bytes, record_at: int) -> bool:
    if len(record) < END_RECORD.size:
        return False
    fields: tuple[int, ...] = END_RECORD.unpack(record)[4:]
    count, length, offset, comment = fields
    size = size_of(stream)
    if record_at + END_RECORD.size + comment > size:
        return False
    if count == 0 and length == 0:
        return record_at + END_RECORD.size + comment == size and offset <= record_at
    # Beside what it says, readers also look directly in front of the record.
    for start in (offset, record_at - length):
        if _read_at(stream, start, len(DIRECTORY_MAGIC)) == DIRECTORY_MAGIC:
            return True
    return False


def _check_names(infos: list[zipfile.ZipInfo]) -> None:
    """Names that differ by case alone are one file on half of the world's disks, and to torch."""
    seen: set[str] = set()
    for info in infos:
        name = info.filename.casefold()
        if name in seen:
            raise ArchiveError(SAME_NAME, name=info.filename)
        seen.add(name)


def _end_of(stream: BinaryIO, info: zipfile.ZipInfo, *, next_at: int) -> int:
    """Where the member's bytes end; its data descriptor, if it has one, reaches to the next."""
    raw = _read_at(stream, info.header_offset, LOCAL_HEADER.size)
    if len(raw) < LOCAL_HEADER.size or not raw.startswith(LOCAL_MAGIC):
        raise ArchiveError(HIDDEN_BYTES, start=info.header_offset)
    fields = LOCAL_HEADER.unpack(raw)
    names_bytes: int = fields[9] + fields[10]
    end = info.header_offset + LOCAL_HEADER.size + names_bytes + info.compress_size
    if info.flag_bits & DESCRIPTOR_FLAG and next_at - end in DESCRIPTOR_BYTES:
        return next_at
    return end


def _directory_start(stream: BinaryIO, *, comment_bytes: int) -> int:
    """Where the directory begins; the end records follow it at once and end the file."""
    record_at = size_of(stream) - END_RECORD.size - comment_bytes
    record = _read_at(stream, record_at, END_RECORD.size)
    if not record.startswith(END_MAGIC):
        raise ArchiveError(HIDDEN_BYTES, start=max(record_at, 0))
    length, offset = END_RECORD.unpack(record)[5:7]
    end = record_at
    locator_at = record_at - ZIP64_LOCATOR_BYTES
    if _read_at(stream, locator_at, 4) == ZIP64_LOCATOR_MAGIC:
        end = locator_at - ZIP64_END.size
        large = _read_at(stream, end, ZIP64_END.size)
        if not large.startswith(ZIP64_END_MAGIC):
            raise ArchiveError(HIDDEN_BYTES, start=max(end, 0))
        length, offset = ZIP64_END.unpack(large)[8:10]
    if offset + length != end:
        raise ArchiveError(HIDDEN_BYTES, start=min(offset + length, end))
    return int(offset)


def _read_at(stream: BinaryIO, position: int, size: int) -> bytes:
    if position < 0:
        return b""
    stream.seek(position)
    return stream.read(size)
