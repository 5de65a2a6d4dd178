"""What is in a zip archive of a stranger, without unpacking it to a disk.

Every member has to be of a kind that is known to be harmless: text, pictures, videos, safetensors
with a valid header, pickles that import nothing but what weights need. The first one that is not
decides, with its name.
"""

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, cast

from hub.formats.detection import (
    HEAD_BYTES,
    IMAGE_TYPES,
    VIDEO_TYPES,
    WRAPPER_TYPES,
    FileType,
    type_of_head,
)
from hub.formats.disguises import DisguiseError, check_single_nature
from hub.formats.errors import ArchiveError, FormatError, Problem
from hub.formats.name_claims import is_untrue
from hub.formats.pickle_globals import Verdict
from hub.formats.pickles import PickleReport, scan_pickle
from hub.formats.picture_end import picture_length
from hub.formats.safetensors_header import LENGTH_BYTES, declared_length, parse_header
from hub.formats.text_content import check_text, is_active_name, is_text
from hub.formats.zip_archive import (
    DEFAULT_LIMITS,
    ArchiveLimits,
    member_ends,
    open_archive,
    peek_member,
    read_member,
)
from hub.formats.zip_layout import Tail, check_layout, has_archive_at_end, unicode_path

TOTAL_TOO_LARGE = Problem(
    "archive_total_too_large",
    "The files of the archive unpack to more than the limit of {limit} bytes. Split it.",
)
CLIMBS_OUT = Problem(
    "archive_climbs_out",
    "The name {name!r} in the archive leads out of the folder it is unpacked to. "
    "Pack it again with plain names.",
)
NOT_PORTABLE = Problem(
    "archive_name_not_portable",
    "The name {name!r} in the archive is another one, or none, on some systems: it holds signs "
    "that cannot be seen, a colon, a dot or a space at an end, or a device's name. Rename it.",
)
NOT_A_FILE = Problem(
    "archive_not_a_file",
    "{name!r} in the archive is a link or a device and not a file. Pack it again without links.",
)
NESTED = Problem(
    "archive_nested",
    "The file {name!r} in the archive is an archive itself ({type}), and what is in there cannot "
    "be looked at. Unpack it first.",
)
PROGRAM = Problem(
    "archive_program",
    "The file {name!r} in the archive is a program or a script. Take it out and pack it again.",
)
UNKNOWN_MEMBER = Problem(
    "archive_unknown_member",
    "What the file {name!r} in the archive is ({type}) cannot be checked here. Take it out.",
)
LYING_MEMBER = Problem(
    "archive_lying_member",
    "The name {name!r} in the archive says something else than the content, which is {type}. "
    "Give the file its true name.",
)
DANGEROUS_MEMBER = Problem(
    "archive_dangerous_member",
    "Loading the file {name!r} of the archive would run code: it imports {imports}.",
)
SUSPICIOUS_MEMBER = Problem(
    "archive_suspicious_member",
    "The pickle {name!r} in the archive could not be cleared: {imports}. Convert it to "
    "safetensors.",
)
BAD_MEMBER = Problem("archive_bad_member", "The file {name!r} in the archive: {reason}")


#: How much of each end of a large member is looked at; an archive's directory fits in it.
ENDS_BYTES = 17 << 20
#: Names that text does not have: a text called .pth is run by Python where it lies in its path.
WEIGHTS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".pkl", ".gguf", ".onnx")
DEVICES = frozenset(
    {"aux", "con", "nul", "prn"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)


@dataclass(frozen=True, slots=True)
class ContentLimits:
    """How much an archive may hold."""

    max_total_bytes: int = 20 << 30
    archive: ArchiveLimits = field(default_factory=lambda: DEFAULT_LIMITS)


def check_archive(stream: BinaryIO, *, limits: ContentLimits) -> int:
    """Look at every member; returns how many files there are.

    Raises ArchiveError with the first member that cannot be cleared; `DANGEROUS_MEMBER` is the
    one problem that means more than "not cleared".
    """
    with open_archive(stream, limits=limits.archive) as archive:
        check_layout(archive, stream)
        files = list(_files(archive, limits))
        for info in files:
            _check_member(archive, info, limits.archive)
    return len(files)


def _files(archive: zipfile.ZipFile, limits: ContentLimits) -> Iterator[zipfile.ZipInfo]:
    total = 0
    for info in archive.infolist():
        for name in {info.orig_filename, unicode_path(info.extra) or info.orig_filename}:
            _check_name(info, name)
        if info.is_dir() and not info.file_size:
            continue
        total += info.file_size
        if total > limits.max_total_bytes:
            raise ArchiveError(TOTAL_TOO_LARGE, limit=limits.max_total_bytes)
        yield info


def _check_name(info: zipfile.ZipInfo, name: str) -> None:
    """`name` is what other readers see: `zipfile` itself cuts at a NUL."""
    parts = name.replace("\\", "/").split("/")
    climbs = name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]
    if climbs or "\\" in name or not name.strip("./ "):
        raise ArchiveError(CLIMBS_OUT, name=name)
    if not name.isprintable() or any(_is_special(part) for part in parts):
        raise ArchiveError(NOT_PORTABLE, name=name)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise ArchiveError(NOT_A_FILE, name=name)


def _is_special(part: str) -> bool:
    """Whether Windows opens something else under this part of a path: a stream, a device …"""
    stem = part.partition(".")[0].rstrip(" ").casefold()
    return ":" in part or (part != part.rstrip(" .") and part != ".") or stem in DEVICES


def _check_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    name = info.filename
    if info.file_size > max(info.compress_size, 1 << 10) * limits.max_ratio:
        read_member(archive, info, limits=limits)  # raises with the bomb's or the size's reason
    found = type_of_head(peek_member(archive, info, HEAD_BYTES), info.file_size)
    if is_active_name(name) or found is FileType.PROGRAM:
        raise ArchiveError(PROGRAM, name=name)
    if found is FileType.ZIP or found in WRAPPER_TYPES:
        raise ArchiveError(NESTED, name=name, type=found.value)
    if found is not FileType.UNKNOWN and is_untrue(name, found, any_picture=True):
        raise ArchiveError(LYING_MEMBER, name=name, type=found.value)
    if found is FileType.SAFETENSORS:
        _check_safetensors(archive, info)
    if found is FileType.SAFETENSORS or found in VIDEO_TYPES:
        _check_ends(archive, info)
    elif info.file_size:
        _check_whole(name, read_member(archive, info, limits=limits), found)


def _check_whole(name: str, data: bytes, found: FileType) -> None:
    if found in IMAGE_TYPES:
        _check_picture(name, data)
    elif found in {FileType.PICKLE, FileType.TORCH_LEGACY}:
        _check_pickle(name, scan_pickle(BytesIO(data)))
    elif found is FileType.UNKNOWN and is_text(data):
        _check_text(name, data)
    else:
        raise ArchiveError(UNKNOWN_MEMBER, name=name, type=found.value)


def _check_safetensors(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    try:
        length = declared_length(peek_member(archive, info, LENGTH_BYTES))
        raw = peek_member(archive, info, LENGTH_BYTES + length)[LENGTH_BYTES:]
        parse_header(raw, data_bytes=info.file_size - LENGTH_BYTES - length)
    except FormatError as error:
        raise ArchiveError(BAD_MEMBER, name=info.filename, reason=str(error)) from error


def _check_ends(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """Read a large member through, which also checks its checksum, and look at both of its ends."""
    try:
        head, tail = member_ends(archive, info, size=ENDS_BYTES)
        if has_archive_at_end(cast(BinaryIO, Tail(tail, info.file_size))):
            raise ArchiveError(NESTED, name=info.filename, type=FileType.ZIP.value)
        check_single_nature(BytesIO(head))
    except DisguiseError as error:
        raise ArchiveError(BAD_MEMBER, name=info.filename, reason=str(error)) from error


def _check_picture(name: str, data: bytes) -> None:
    try:
        picture_length(BytesIO(data))
    except FormatError as error:
        raise ArchiveError(BAD_MEMBER, name=name, reason=str(error)) from error


def _check_pickle(name: str, report: PickleReport) -> None:
    if report.verdict is Verdict.SAFE:
        return
    dangerous = report.imports_judged(Verdict.DANGEROUS)
    found = dangerous or report.imports_judged(Verdict.SUSPICIOUS)
    names = [f"{item.module}.{item.name}" for item in found[:10]]
    problem = DANGEROUS_MEMBER if dangerous else SUSPICIOUS_MEMBER
    raise ArchiveError(problem, name=name, imports="; ".join([*names, *report.problems]))


def _check_text(name: str, data: bytes) -> None:
    is_lie = is_untrue(name, FileType.UNKNOWN, any_picture=True)
    if is_lie or name.lower().endswith(WEIGHTS):
        raise ArchiveError(LYING_MEMBER, name=name, type="text")
    try:
        check_text(data)
    except FormatError as error:
        raise ArchiveError(BAD_MEMBER, name=name, reason=str(error)) from error
