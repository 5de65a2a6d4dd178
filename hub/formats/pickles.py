"""What a .pt, .ckpt, .bin or .pkl file would import, found without ever loading it.

Three containers: the zip of torch >= 1.6 (`<root>/data.pkl` and raw storages), the older torch
form (five pickles in a row, then raw storages) and a plain pickle. What runs first when a pickle
is loaded are its first opcodes, so everything found before damage counts, and a damaged file is
never judged safe.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from hub.formats.binary_source import BinarySource, opened, size_of
from hub.formats.detection import HEAD_BYTES, TORCH_LEGACY_MAGIC, is_tar
from hub.formats.errors import ArchiveError, FormatError, PickleScanError, Problem
from hub.formats.pickle_globals import Verdict, judge_import
from hub.formats.pickle_machine import (
    EXTENSION_MODULE,
    UNKNOWN_NAME,
    BoundedReader,
    Bundle,
    ImportTracer,
    read_steps,
)
from hub.formats.torch_storages import legacy_fault, zip_fault
from hub.formats.zip_archive import (
    MEMBER_BOMB,
    ArchiveLimits,
    open_archive,
    peek_member,
    read_member,
)
from hub.formats.zip_layout import check_layout, has_archive_at_end

LEGACY_PICKLES = 5
PICKLE_SUFFIXES = (".pkl", ".pickle")
TORCHSCRIPT_FOLDER = "/code/"
#: The members of a torch file, below the one folder that all of them are in.
SMALL_MEMBERS = frozenset(
    {"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}
)
OWN_NAMES = re.compile(
    "|".join([r"data\.pkl", r"data/[0-9]+", *(re.escape(name) for name in sorted(SMALL_MEMBERS))])
)
PLAIN_ROOT = re.compile(r"(?!\.{1,2}$)[^/\\:\x00-\x1f]{1,200}")
SMALL_BYTES = 64
SMALL_FACT = re.compile(rb"[0-9a-z\s]{0,64}")
SHOWN_PROBLEMS = 5
ZIP_START = b"PK\x03\x04"

NOT_A_PICKLE = Problem(
    "pickle_not_recognised",
    "The file is neither a torch file nor a pickle. Check that the right file was uploaded.",
)
TORCHSCRIPT = "the archive holds TorchScript code"
UNUSUAL_OPCODES = "it uses opcodes that no model file needs ({names})"
FILLS_MEMORY = (
    "it makes values that are much larger than the file ({names}), and so may fill the memory"
)
CHANGES = "it changes what it imports ({names}), for every program that loads it"
TANGLED = "its values lie in each other so often that loading it may never end"
HIDDEN_TAR = "it is also a tar archive, as which torch would open it first"
HIDDEN_ARCHIVE = "it also ends as a zip archive does, so another program may open it as one"
TRAILING_BYTES = "bytes that belong to nothing follow behind the pickle"
FOREIGN_MEMBER = "the archive holds {name!r}, which no file of torch has"
TRAILING_PICKLE_LIMIT = "more pickles follow each other than the limit allows"


class PickleContainer(StrEnum):
    """How the pickle is stored."""

    TORCH_ZIP = "torch_zip"
    TORCH_LEGACY = "torch_legacy"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class PickleLimits:
    """How much a file may ask of the scan."""

    max_pickle_bytes: int = 64 << 20
    max_opcodes: int = 4_000_000
    max_pickles: int = 16
    archive: ArchiveLimits = field(default_factory=ArchiveLimits)


DEFAULT_LIMITS = PickleLimits()


@dataclass(frozen=True, slots=True)
class PickleImport:
    """One name that the pickle imports when it is loaded."""

    module: str
    name: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class PickleReport:
    """The result of a scan; `problems` are reasons why not everything could be followed."""

    container: PickleContainer
    imports: tuple[PickleImport, ...]
    problems: tuple[str, ...] = ()
    pickle_count: int = 0

    @property
    def verdict(self) -> Verdict:
        """The worst finding; a file that could not be followed is suspicious at least."""
        found = {item.verdict for item in self.imports}
        if Verdict.DANGEROUS in found:
            return Verdict.DANGEROUS
        if Verdict.SUSPICIOUS in found or self.problems:
            return Verdict.SUSPICIOUS
        return Verdict.SAFE

    def imports_judged(self, verdict: Verdict) -> tuple[PickleImport, ...]:
        """The imports with one verdict."""
        return tuple(item for item in self.imports if item.verdict is verdict)


def scan_pickle(source: BinarySource, *, limits: PickleLimits = DEFAULT_LIMITS) -> PickleReport:
    """List and judge everything that loading the file would import.

    Raises PickleScanError when the file is no pickle at all and ArchiveError when it is a zip
    that can't be opened. Never unpickles.
    """
    with opened(source) as stream:
        head = stream.read(len(TORCH_LEGACY_MAGIC))
        stream.seek(0)
        if head.startswith(ZIP_START):
            return _scan_zip(stream, limits)
        is_legacy = head == TORCH_LEGACY_MAGIC
        scan = _Scan(limits)
        scan.read_series(stream, count=LEGACY_PICKLES if is_legacy else None)
        scan.check_rest(stream, may_hold_storages=is_legacy)
    if not (scan.pickle_count or scan.imports or _starts_like_pickle(head[:2])):
        raise PickleScanError(NOT_A_PICKLE)
    return scan.report(PickleContainer.TORCH_LEGACY if is_legacy else PickleContainer.PLAIN)


class _Scan:
    """Collects findings over the pickles of one file."""

    def __init__(self, limits: PickleLimits) -> None:
        self.limits = limits
        self.imports: dict[tuple[str, str], None] = {}
        self.used: set[tuple[str, str]] = set()
        self.problems: list[str] = []
        self.named: list[Bundle] = []
        self.listed: list[str] = []
        self.pickle_count = 0

    def read_one(self, stream: BinaryIO, available_bytes: int) -> None:
        """Follow one pickle. Raises PickleScanError, after what was found has been kept."""
        reader = BoundedReader(
            stream, available_bytes=available_bytes, max_bytes=self.limits.max_pickle_bytes
        )
        tracer = ImportTracer()
        try:
            for step in read_steps(reader, max_opcodes=self.limits.max_opcodes):
                tracer.follow(step)
        finally:
            self._note(tracer)
        self.pickle_count += 1

    def _note(self, tracer: ImportTracer) -> None:
        self.imports.update(tracer.imports)
        self.used |= tracer.used | tracer.called
        self.named += tracer.named
        self.listed = tracer.listed
        for reason, names in (
            (FILLS_MEMORY, tracer.filling),
            (CHANGES, tracer.changed),
            (UNUSUAL_OPCODES, tracer.unusual),
        ):
            if names:
                self.problems.append(reason.format(names=", ".join(names)))
        if tracer.is_tangled:
            self.problems.append(TANGLED)

    def read_series(self, stream: BinaryIO, *, count: int | None) -> None:
        """Follow pickles written one after the other: exactly `count`, or as many as there are."""
        size = size_of(stream)
        for _ in range(count or self.limits.max_pickles):
            if count is None and self.pickle_count and not _pickle_follows(stream):
                return
            try:
                self.read_one(stream, size - stream.tell())
            except PickleScanError as error:
                self.problems.append(str(error))
                return
        if count is None and _pickle_follows(stream):
            self.problems.append(TRAILING_PICKLE_LIMIT)

    def check_rest(self, stream: BinaryIO, *, may_hold_storages: bool) -> None:
        """Note what lies behind the last pickle: of torch's older form, the storages."""
        if not self.problems and may_hold_storages:
            fault = legacy_fault(self.named, self.listed, stream)
            self.problems += [fault] if fault else []
        elif not self.problems and stream.tell() != size_of(stream):
            self.problems.append(TRAILING_BYTES)
        if has_archive_at_end(stream):
            self.problems.append(HIDDEN_ARCHIVE)
        stream.seek(0)
        if is_tar(stream.read(HEAD_BYTES)):
            self.problems.append(HIDDEN_TAR)

    def storages_missing(self, members: list[ZipInfo]) -> list[str]:
        """Why numbers that a torch zip names are not in it; asked only where all else is good."""
        if self.problems or not members:
            return []
        sizes = {member.filename: member.file_size for member in members}
        fault = zip_fault(self.named, sizes, root=members[0].filename.partition("/")[0])
        return [fault] if fault else []

    def report(self, container: PickleContainer) -> PickleReport:
        """Judge what was found."""
        return PickleReport(
            container=container,
            imports=tuple(_judged(self.imports, self.used)),
            problems=tuple(self.problems),
            pickle_count=self.pickle_count,
        )


def _judged(
    imports: Iterable[tuple[str, str]], used: set[tuple[str, str]]
) -> Iterator[PickleImport]:
    for module, name in imports:
        if UNKNOWN_NAME in (module, name):
            verdict = Verdict.DANGEROUS
        elif module == EXTENSION_MODULE:
            verdict = Verdict.SUSPICIOUS
        else:
            verdict = judge_import(module, name, is_used=(module, name) in used)
        yield PickleImport(module, name, verdict)


def _pickle_follows(stream: BinaryIO) -> bool:
    position = stream.tell()
    head = stream.read(2)
    stream.seek(position)
    return _starts_like_pickle(head)


def _starts_like_pickle(head: bytes) -> bool:
    return len(head) == 2 and head[0] == 0x80 and head[1] <= 5


def _scan_zip(stream: BinaryIO, limits: PickleLimits) -> PickleReport:
    scan = _Scan(limits)
    with open_archive(stream, limits=limits.archive) as archive:
        members = archive.infolist()
        try:
            check_layout(archive, stream)
        except ArchiveError as error:
            scan.problems.append(str(error))
        if any(TORCHSCRIPT_FOLDER in member.filename for member in members):
            scan.problems.append(TORCHSCRIPT)
        foreign = _foreign(archive, members, limits)
        for member in members:
            named = member.filename.lower().endswith(PICKLE_SUFFIXES)
            if not named and _is_storage(member):
                continue
            try:
                if named or _starts_like_pickle(peek_member(archive, member, 2)):
                    data = read_member(archive, member, limits=limits.archive)
                    scan.read_one(BytesIO(data), len(data))
            except FormatError as error:
                _note_failure(scan, error, named=named)
    if not (scan.pickle_count or scan.imports or scan.problems):
        raise PickleScanError(NOT_A_PICKLE)
    scan.problems += foreign or scan.storages_missing(members)
    return scan.report(PickleContainer.TORCH_ZIP)


def _foreign(archive: ZipFile, members: list[ZipInfo], limits: PickleLimits) -> list[str]:
    """What torch never writes: other names, another folder, storages packed until they burst."""
    root = members[0].filename.partition("/")[0] if members else ""
    found = []
    for member in members:
        name = member.filename.removeprefix(f"{root}/")
        if OWN_NAMES.fullmatch(name) is None or not PLAIN_ROOT.fullmatch(root):
            found.append(FOREIGN_MEMBER.format(name=member.filename))
        elif member.file_size > max(member.compress_size, 1 << 10) * limits.archive.max_ratio:
            bomb = ArchiveError(MEMBER_BOMB, name=member.filename, ratio=limits.archive.max_ratio)
            found.append(str(bomb))
        elif name in SMALL_MEMBERS and not _is_small_fact(archive, member):
            found.append(FOREIGN_MEMBER.format(name=member.filename))
    return list(dict.fromkeys(found))[:SHOWN_PROBLEMS]


def _is_small_fact(archive: ZipFile, member: ZipInfo) -> bool:
    """Whether a member holds what torch notes beside the weights: a number or a word."""
    try:
        return SMALL_FACT.fullmatch(peek_member(archive, member, SMALL_BYTES + 1)) is not None
    except FormatError:
        return False


def _note_failure(scan: _Scan, error: FormatError, *, named: bool) -> None:
    # Other members may start like a pickle by chance; only damage to the archive counts there.
    if named or isinstance(error, ArchiveError):
        scan.problems.append(str(error))


def _is_storage(member: ZipInfo) -> bool:
    """Whether a member is a tensor's raw bytes, `<root>/data/<number>`, which nothing unpickles."""
    folder, _, name = member.filename.rpartition("/")
    return folder.endswith("/data") and name.isdigit()
