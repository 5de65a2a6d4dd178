"""Whether all programs see the same files in a zip archive, and no byte of it is hidden.

The readers disagree about unusual archives: where the directory is when something stands before or
behind it, which of two entries of one name counts, what lies between two members. An archive that
leaves no room for that has its members one after the other from the first byte, then the directory,
then the end record, and nothing else. Ordinary programs write no other.
"""

import struct
import unicodedata
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
ZIP64_LOCATOR = struct.Struct("<4sLQL")
ZIP64_LOCATOR_MAGIC = b"PK\x06\x07"
DESCRIPTOR_MAGIC = b"PK\x07\x08"
ENCRYPTED_FLAG, DESCRIPTOR_FLAG, UTF8_FLAG = 0x1, 0x8, 0x800
DESCRIPTOR_MOST = 25
ITS_DIRECTORY = "the directory"
MAX_COMMENT_BYTES = 0xFFFF
SATURATED16, SATURATED32 = 0xFFFF, 0xFFFFFFFF
#: Info-ZIP's extra field with the name in UTF-8, APPNOTE 4.6.9: it wins over the name itself.
UNICODE_PATH = 0x7075

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
TWO_STORIES = Problem(
    "archive_two_stories",
    "The archive says different things about {name!r} in two places, so programs would disagree "
    "about it. Pack it again as an ordinary zip file.",
)


def check_layout(archive: zipfile.ZipFile, stream: BinaryIO) -> None:
    """Raise ArchiveError unless every byte of the open archive belongs to exactly one thing."""
    _check_names(archive.infolist())
    directory_at = _directory_start(
        stream, comment_bytes=len(archive.comment), count=len(archive.infolist())
    )
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


class Tail:
    """The end of a long stream as a file in which nothing can be read before it."""

    def __init__(self, data: bytes, size: int) -> None:
        """`data` are the last bytes of `size`."""
        self._data, self._size = data, size
        self._start = size - len(data)
        self._position = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file does; only from the start or the end."""
        self._position = offset + (self._size if whence == 2 else 0)
        return self._position

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def read(self, size: int) -> bytes:
        """Nothing where the data do not reach."""
        at = self._position - self._start
        return self._data[at : at + size] if at >= 0 else b""


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
        other = unicode_path(info.extra)
        if other not in {None, info.orig_filename} and info.orig_filename.isascii():
            raise ArchiveError(TWO_STORIES, name=info.orig_filename)
        name = _same_file(other or info.orig_filename)
        if name in seen:
            raise ArchiveError(SAME_NAME, name=info.filename)
        seen.add(name)


def unicode_path(extra: bytes) -> str | None:
    """The name in UTF-8 that an entry's extra fields give it; None without one."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == UNICODE_PATH:  # a version, a checksum of the plain name, then the name
            return extra[at + 9 : at + 4 + length].decode("utf-8", "replace")
        at += 4 + length
    return None


def _same_file(name: str) -> str:
    """What two names have in common that some system would write to one file."""
    parts = unicodedata.normalize("NFC", name).casefold().split("/")
    return "/".join(part for part in parts if part not in {"", "."})


def _end_of(stream: BinaryIO, info: zipfile.ZipInfo, *, next_at: int) -> int:
    """Where the member's bytes end; its data descriptor, if it has one, reaches to the next."""
    raw = _read_at(stream, info.header_offset, LOCAL_HEADER.size)
    if len(raw) < LOCAL_HEADER.size or not raw.startswith(LOCAL_MAGIC):
        raise ArchiveError(HIDDEN_BYTES, start=info.header_offset)
    fields: tuple[int, ...] = LOCAL_HEADER.unpack(raw)[1:]
    names = stream.read(fields[8] + fields[9])
    end = info.header_offset + LOCAL_HEADER.size + len(names) + info.compress_size
    if not _is_same_story(info, fields, name=names[: fields[8]], extra=names[fields[8] :]):
        raise ArchiveError(TWO_STORIES, name=info.filename)
    if info.flag_bits & DESCRIPTOR_FLAG:
        descriptor = _read_at(stream, end, min(max(next_at - end, 0), DESCRIPTOR_MOST))
        if end + len(descriptor) == next_at and descriptor in _descriptors(info):
            return next_at
    return end


def _is_same_story(
    info: zipfile.ZipInfo, local: tuple[int, ...], *, name: bytes, extra: bytes
) -> bool:
    """Whether the header in front of the bytes says what the directory says.

    `local` are the header's numbers: version, flags, method, time, date, checksum, two sizes …
    """
    _version, flags, method, _time, _date, crc, packed, size = local[:8]
    plain = info.orig_filename.encode("utf-8" if info.flag_bits & UTF8_FLAG else "cp437", "replace")
    told = [(crc, info.CRC, None), (packed, info.compress_size, SATURATED32)]
    told += [(size, info.file_size, SATURATED32)]
    if flags & DESCRIPTOR_FLAG:  # then nothing was known yet in front of the bytes
        told = [(value, known, 0) for value, known, large in told if value != large]
    return (
        name == plain
        and method == info.compress_type
        and not flags & ~info.flag_bits & ENCRYPTED_FLAG
        and info.volume == 0
        and all(value in {known, instead} for value, known, instead in told)
        and unicode_path(extra) in {None, info.orig_filename, unicode_path(info.extra)}
    )


def _descriptors(info: zipfile.ZipInfo) -> set[bytes]:
    """How checksum and sizes may stand behind the bytes: with a mark or none, wide or not."""
    wide = struct.pack("<L2Q", info.CRC, info.compress_size, info.file_size)
    found = {wide, DESCRIPTOR_MAGIC + wide}
    if max(info.compress_size, info.file_size) <= SATURATED32:
        narrow = struct.pack("<3L", info.CRC, info.compress_size, info.file_size)
        found |= {narrow, DESCRIPTOR_MAGIC + narrow}
    return found


def _directory_start(stream: BinaryIO, *, comment_bytes: int, count: int) -> int:
    """Where the directory of `count` entries begins; the end records follow it at once."""
    record_at = size_of(stream) - END_RECORD.size - comment_bytes
    record = _read_at(stream, record_at, END_RECORD.size)
    if not record.startswith(END_MAGIC):
        raise ArchiveError(HIDDEN_BYTES, start=max(record_at, 0))
    told: tuple[int, ...] = END_RECORD.unpack(record)[1:7]
    if END_RECORD.unpack(record)[7] != comment_bytes:  # cut off, or not where readers look
        raise ArchiveError(TWO_STORIES, name=ITS_DIRECTORY)
    end = record_at
    locator_at = record_at - ZIP64_LOCATOR.size
    locator = _read_at(stream, locator_at, ZIP64_LOCATOR.size)
    if locator.startswith(ZIP64_LOCATOR_MAGIC):
        end = locator_at - ZIP64_END.size
        large = _read_at(stream, end, ZIP64_END.size)
        if not large.startswith(ZIP64_END_MAGIC) or ZIP64_LOCATOR.unpack(locator)[1:3] != (0, end):
            raise ArchiveError(HIDDEN_BYTES, start=max(end, 0))
        short, told = told, ZIP64_END.unpack(large)[4:10]
        if any(
            value not in {known, SATURATED16 if at < 4 else SATURATED32}
            for at, (value, known) in enumerate(zip(short, told, strict=True))
        ):
            raise ArchiveError(TWO_STORIES, name=ITS_DIRECTORY)
    *numbers, length, offset = told
    if offset + length != end:
        raise ArchiveError(HIDDEN_BYTES, start=min(offset + length, end))
    if numbers != [0, 0, count, count]:
        raise ArchiveError(TWO_STORIES, name=ITS_DIRECTORY)
    return offset


def _read_at(stream: BinaryIO, position: int, size: int) -> bytes:
    if position < 0:
        return b""
    stream.seek(position)
    return stream.read(size)
