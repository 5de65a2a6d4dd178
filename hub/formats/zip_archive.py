"""Opening zip archives of strangers within limits: directory size, members, ratio, bytes."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from hub.formats.binary_source import size_of
from hub.formats.errors import ArchiveError, Problem

END_RECORD = b"PK\x05\x06"
END_RECORD_BYTES = 22
ZIP64_LOCATOR = b"PK\x06\x07"
ZIP64_LOCATOR_BYTES = 20
ZIP64_END_BYTES = 56
MAX_COMMENT_BYTES = 0xFFFF
ALLOWED_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
ENCRYPTED_FLAG = 0x1
READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)

DAMAGED = Problem(
    "archive_damaged",
    "The archive can't be read: {reason}. Pack it again as an ordinary zip file.",
)
TOO_MANY_MEMBERS = Problem(
    "archive_too_many_members",
    "The archive lists more than the {limit} files that are allowed. Split it into several.",
)
DIRECTORY_TOO_LARGE = Problem(
    "archive_directory_too_large",
    "The archive's list of files takes {size} bytes and the limit is {limit}. "
    "Split it into several archives.",
)
MEMBER_TOO_LARGE = Problem(
    "archive_member_too_large",
    "The file {name!r} in the archive is larger than the limit of {limit} bytes.",
)
MEMBER_BOMB = Problem(
    "archive_bomb",
    "The file {name!r} in the archive unpacks to more than {ratio} times its packed size, "
    "which looks like an attack on the server. Pack it again without tricks.",
)
MEMBER_UNSUPPORTED = Problem(
    "archive_member_unsupported",
    "The file {name!r} in the archive is encrypted or packed by an unusual method. "
    "Pack it again with the method store or deflate.",
)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may ask for before it is refused."""

    max_members: int = 20_000
    max_directory_bytes: int = 16 << 20
    max_member_bytes: int = 64 << 20
    max_ratio: int = 200


DEFAULT_LIMITS = ArchiveLimits()


@contextmanager
def open_archive(
    stream: BinaryIO, *, limits: ArchiveLimits = DEFAULT_LIMITS
) -> Iterator[zipfile.ZipFile]:
    """Open an archive after its directory has proved to be of a sane size.

    Raises ArchiveError.
    """
    directory_bytes = _directory_bytes(stream)
    if directory_bytes > limits.max_directory_bytes:
        raise ArchiveError(
            DIRECTORY_TOO_LARGE, size=directory_bytes, limit=limits.max_directory_bytes
        )
    try:
        archive = zipfile.ZipFile(stream)
    except READ_ERRORS as error:
        raise ArchiveError(DAMAGED, reason=str(error)) from error
    with archive:
        if len(archive.infolist()) > limits.max_members:
            raise ArchiveError(TOO_MANY_MEMBERS, limit=limits.max_members)
        yield archive


def read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, limits: ArchiveLimits = DEFAULT_LIMITS
) -> bytes:
    """Unpack one member; what the directory says about sizes is checked, not believed.

    Raises ArchiveError.
    """
    if info.file_size > limits.max_member_bytes:
        raise ArchiveError(MEMBER_TOO_LARGE, name=info.filename, limit=limits.max_member_bytes)
    if info.file_size > max(info.compress_size, 1 << 10) * limits.max_ratio:
        raise ArchiveError(MEMBER_BOMB, name=info.filename, ratio=limits.max_ratio)
    # `zipfile` stops at the stated size and then fails on the checksum if that was a lie.
    return peek_member(archive, info, info.file_size + 1)


def peek_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> bytes:
    """Unpack at most `size` bytes from the start of one member. Raises ArchiveError."""
    if info.flag_bits & ENCRYPTED_FLAG or info.compress_type not in ALLOWED_METHODS:
        raise ArchiveError(MEMBER_UNSUPPORTED, name=info.filename)
    try:
        with archive.open(info) as member:
            return member.read(size)
    except READ_ERRORS as error:
        raise ArchiveError(DAMAGED, reason=str(error)) from error


def member_ends(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, size: int
) -> tuple[bytes, bytes]:
    """Unpack a member to its end, keeping at most `size` bytes of its start and of its end.

    Raises ArchiveError, also for a checksum that is wrong.
    """
    try:
        with archive.open(info) as member:
            before, head = b"", member.read(size)
            last = head
            while piece := member.read(size):
                before, last = last, piece
    except READ_ERRORS as error:
        raise ArchiveError(DAMAGED, reason=str(error)) from error
    return head, (before + last)[-size:]


def _directory_bytes(stream: BinaryIO) -> int:
    """Read the directory's size from the end record, the way `zipfile` is going to."""
    size = size_of(stream)
    tail_bytes = min(size, END_RECORD_BYTES + MAX_COMMENT_BYTES)
    stream.seek(size - tail_bytes)
    tail = stream.read(tail_bytes)
    start = len(tail) - END_RECORD_BYTES
    if not (start >= 0 and tail.startswith(END_RECORD, start) and tail.endswith(b"\0\0")):
        start = tail.rfind(END_RECORD)
    record = tail[start : start + END_RECORD_BYTES] if start >= 0 else b""
    if len(record) < END_RECORD_BYTES:
        raise ArchiveError(DAMAGED, reason="it has no directory")
    directory_bytes = int.from_bytes(record[12:16], "little")
    return max(directory_bytes, _zip64_directory_bytes(stream, size - tail_bytes + start))


def _zip64_directory_bytes(stream: BinaryIO, end_record_at: int) -> int:
    locator_at = end_record_at - ZIP64_LOCATOR_BYTES
    if locator_at < ZIP64_END_BYTES:
        return 0
    stream.seek(locator_at)
    if stream.read(4) != ZIP64_LOCATOR:
        return 0
    stream.seek(locator_at - ZIP64_END_BYTES)
    return int.from_bytes(stream.read(ZIP64_END_BYTES)[40:48], "little")
