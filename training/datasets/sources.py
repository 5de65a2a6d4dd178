"""Files on their way into a dataset: one upload, the members of a zip archive, or a folder."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hub.formats.errors import ArchiveError
from hub.formats.zip_archive import ENCRYPTED_FLAG, ArchiveLimits, open_archive, read_member
from training.datasets.file_names import MAX_NAME_CHARACTERS, is_junk, safe_name
from training.datasets.models.importing import Outcome

UTF8_FLAG = 0x800


class Refused(Exception):
    """One file that is not taken; the others go on."""

    def __init__(self, outcome: Outcome, message: str = "") -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True)
class SourceFile:
    """One file to import; `read` gives its bytes or raises Refused."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class ImportLimits:
    """What an archive may ask for; sizes in bytes."""

    max_members: int
    max_total_bytes: int
    max_ratio: int
    max_file_bytes: int


def single_file(name: str, opener: Callable[[], BinaryIO], limits: ImportLimits) -> SourceFile:
    """The one file of an upload."""

    def read() -> bytes:
        with opener() as stream:
            data = stream.read(limits.max_file_bytes + 1)
        if len(data) > limits.max_file_bytes:
            raise Refused(Outcome.TOO_LARGE)
        return data

    return SourceFile(safe_name(name) or "file", read)


def folder_files(folder: Path, limits: ImportLimits) -> Iterator[SourceFile]:
    """Every file below a folder of this machine, by name; for the demo and the command line."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not is_junk(name):
            yield single_file(name, lambda path=path: path.open("rb"), limits)  # type: ignore[misc]


@contextmanager
def archive_files(stream: BinaryIO, limits: ImportLimits) -> Iterator[list[SourceFile]]:
    """The members of a zip archive, junk and folders left out; nothing is unpacked to disk.

    Raises ArchiveError when the archive as a whole is damaged or beyond the limits.
    """
    bounds = ArchiveLimits(
        max_members=limits.max_members,
        max_member_bytes=limits.max_file_bytes,
        max_ratio=limits.max_ratio,
    )
    with open_archive(stream, limits=bounds) as archive:
        budget = _Budget(limits.max_total_bytes)
        yield [
            _member(archive, info, name, bounds, budget) for info, name in _named_members(archive)
        ]


@dataclass
class _Budget:
    """Bytes that may still be unpacked from one archive."""

    left: int

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Refused(Outcome.TOO_LARGE)


def _named_members(archive: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    used: set[str] = set()
    for info in archive.infolist():
        name = readable_name(info)
        if info.is_dir() or is_junk(name.replace("\\", "/")):
            continue
        yield info, _unused(name, used)


def _unused(name: str, used: set[str]) -> str:
    candidate, number = name, 2
    while candidate in used:
        candidate, number = f"{name} ({number})", number + 1
    used.add(candidate)
    return candidate


def _member(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    name: str,
    bounds: ArchiveLimits,
    budget: _Budget,
) -> SourceFile:
    clean = safe_name(name)

    def read() -> bytes:
        if clean is None or stat.S_ISLNK(info.external_attr >> 16):
            raise Refused(Outcome.UNSAFE_NAME)
        if info.flag_bits & ENCRYPTED_FLAG:
            raise Refused(Outcome.ENCRYPTED)
        if info.file_size > bounds.max_member_bytes:
            raise Refused(Outcome.TOO_LARGE)
        budget.take(info.file_size)
        try:
            return read_member(archive, info, limits=bounds)
        except ArchiveError as error:
            raise Refused(Outcome.BROKEN, str(error)) from error

    return SourceFile(clean or name[:MAX_NAME_CHARACTERS], read)


def readable_name(info: zipfile.ZipInfo) -> str:
    """The name as the packer meant it: old Windows tools write the local code page unmarked."""
    if info.flag_bits & UTF8_FLAG:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename
