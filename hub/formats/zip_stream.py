"""A zip archive that is never made: its every byte is known before the first one is sent.

Members are stored as they are (weights do not shrink), and their lengths and checksums are known
from the start. So the length of the archive is known, and any range of it can be made alone: a
download goes on where it stopped. Format: PKWARE APPNOTE 6.3.10, with zip64 where numbers need it.
"""

import bisect
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
ZIP64_END = struct.Struct("<4sQ2H2L4Q")
ZIP64_LOCATOR = struct.Struct("<4sLQL")
VERSION_PLAIN, VERSION_ZIP64 = 20, 45
MADE_ON_UNIX = 3 << 8
UTF8_NAMES = 0x800
STORED = 0
# 1 January 2020, as DOS writes it: a date of its own would change the archive between two requests.
DOS_TIME, DOS_DATE = 0, (2020 - 1980) << 9 | 1 << 5 | 1
REGULAR_FILE = 0o100644 << 16
MAX32, MAX16 = 0xFFFFFFFF, 0xFFFF


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A file of the archive; `crc32` as zlib counts it."""

    name: str
    size_bytes: int
    crc32: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the archive: `data` as it is, or `length` bytes of a member from `start`."""

    data: bytes = b""
    member: int = -1
    start: int = 0
    length: int = 0


class ZipLayout:
    """Where everything lies in an archive of these members."""

    def __init__(self, members: Sequence[ZipMember]) -> None:
        self.members = tuple(members)
        self._starts: list[int] = []
        self._parts: list[bytes | int] = []
        self._end = 0
        offsets = []
        for number, member in enumerate(self.members):
            offsets.append(self._end)
            self._append(_local_header(member))
            self._append(number)
        directory_at = self._end
        for member, offset in zip(self.members, offsets, strict=True):
            self._append(_directory_entry(member, offset))
        self._append(_end_records(len(self.members), directory_at, self._end - directory_at))

    @property
    def size_bytes(self) -> int:
        """Length of the whole archive."""
        return self._end

    def pieces(self, first: int, last: int) -> Iterator[Piece]:
        """The bytes from `first` to `last`, both included, in order."""
        at = max(bisect.bisect_right(self._starts, first) - 1, 0)
        while at < len(self._parts) and first <= last:
            start = first - self._starts[at]
            length = min(last + 1 - first, self._length(at) - start)
            part = self._parts[at]
            if length > 0 and isinstance(part, bytes):
                yield Piece(data=part[start : start + length])
            elif length > 0 and isinstance(part, int):
                yield Piece(member=part, start=start, length=length)
            first += max(length, 0)
            at += 1

    def _append(self, part: bytes | int) -> None:
        self._starts.append(self._end)
        self._parts.append(part)
        self._end += self._length(len(self._parts) - 1)

    def _length(self, at: int) -> int:
        part = self._parts[at]
        return len(part) if isinstance(part, bytes) else self.members[part].size_bytes


def _local_header(member: ZipMember) -> bytes:
    name, size = member.name.encode(), member.size_bytes
    is_large = size >= MAX32
    extra = struct.pack("<2H2Q", 1, 16, size, size) if is_large else b""
    shown = MAX32 if is_large else size
    fields = (
        *(b"PK\x03\x04", VERSION_ZIP64 if is_large else VERSION_PLAIN, UTF8_NAMES, STORED),
        *(DOS_TIME, DOS_DATE, member.crc32, shown, shown, len(name), len(extra)),
    )
    return LOCAL.pack(*fields) + name + extra


def _directory_entry(member: ZipMember, offset: int) -> bytes:
    name, size = member.name.encode(), member.size_bytes
    large = [size, size] if size >= MAX32 else []
    large += [offset] if offset >= MAX32 else []
    extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    version = VERSION_ZIP64 if large else VERSION_PLAIN
    shown = min(size, MAX32)
    fields = (
        *(b"PK\x01\x02", MADE_ON_UNIX | version, version, UTF8_NAMES, STORED),
        *(DOS_TIME, DOS_DATE, member.crc32, shown, shown, len(name), len(extra)),
        *(0, 0, 0, REGULAR_FILE, min(offset, MAX32)),
    )
    return CENTRAL.pack(*fields) + name + extra


def _end_records(count: int, directory_at: int, directory_bytes: int) -> bytes:
    end = END.pack(
        *(b"PK\x05\x06", 0, 0, min(count, MAX16), min(count, MAX16)),
        *(min(directory_bytes, MAX32), min(directory_at, MAX32), 0),
    )
    if count < MAX16 and directory_at < MAX32 and directory_bytes < MAX32:
        return end
    large = ZIP64_END.pack(
        *(b"PK\x06\x06", ZIP64_END.size - 12, MADE_ON_UNIX | VERSION_ZIP64, VERSION_ZIP64),
        *(0, 0, count, count, directory_bytes, directory_at),
    )
    return large + ZIP64_LOCATOR.pack(b"PK\x06\x07", 0, directory_at + directory_bytes, 1) + end
