"""Fetching one file: resumed by Range and If-Range, checked by SHA-256, renamed into place.

The bytes so far lie in `<name>.<first 12 digits of the hash>.part`, so that a file that was
replaced on the hub never goes on from the bytes of another.
"""

import errno
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

import httpx

from hub.cli.errors import Damaged, LocalProblem, Unreachable, reason_of
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.terminal import Advance, Terminal

CHUNK_BYTES = 1 << 20
ATTEMPTS = 5
FIRST_WAIT_SECONDS = 1.0
RESERVED = frozenset({"con", "prn", "aux", "nul"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch: its address on the hub, where it goes, and what its bytes must be."""

    url: str
    target: Path
    sha256: str
    size_bytes: int

    @property
    def part(self) -> Path:
        """Where the bytes so far lie."""
        return self.target.with_name(f"{self.target.name}.{self.sha256[:12]}.part")


def fetch(hub: HubClient, wanted: Wanted, terminal: Terminal) -> bool:
    """Bring a file here; returns False when it was here already, with the same bytes.

    A broken line is taken up again, up to ATTEMPTS times in a row without a byte. Raises Damaged
    for a wrong hash (the part is kept), LocalProblem for a full disk or another file of that name.
    """
    if wanted.target.exists():
        _check_same(wanted)
        return False
    try:
        wanted.target.parent.mkdir(parents=True, exist_ok=True)
        _check_room(wanted)
        _fetch_part(hub, wanted, terminal)
    except OSError as error:
        raise _disk_trouble(error, wanted) from error
    wanted.part.replace(wanted.target)
    return True


def safe_name(name: str) -> str:
    """A name from the hub as a plain file name here; it never leaves its folder."""
    last = PurePath(name.replace("\\", "/")).name
    kept = "".join("_" if c in '<>:"|?*' or not c.isprintable() else c for c in last)
    kept = kept.strip(" .")[:200]
    return f"_{kept}" if not kept or kept.partition(".")[0].lower() in RESERVED else kept


def file_sha256(path: Path, advance: Callable[[int], None] = lambda _count: None) -> str:
    """Lower-case SHA-256 of a file on disk."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()


class _Part:
    """The bytes so far and their running SHA-256."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            self._digest.update(chunk)
        self.size_bytes = file.tell()

    def append(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def start_again(self) -> None:
        self._file.truncate(0)
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def _fetch_part(hub: HubClient, wanted: Wanted, terminal: Terminal) -> None:
    with wanted.part.open("a+b") as file:
        part = _Part(file)
        label, total = wanted.target.name, wanted.size_bytes
        with terminal.progress(label, total=total, done=part.size_bytes) as advance:
            fruitless = 0
            while part.size_bytes < total:
                before = part.size_bytes
                try:
                    _receive(hub, wanted, part, advance)
                except Unreachable:
                    fruitless = 0 if part.size_bytes > before else fruitless + 1
                    if fruitless >= ATTEMPTS:
                        raise
                    terminal.wait(FIRST_WAIT_SECONDS * 2**fruitless)
    if part.sha256 != wanted.sha256:
        raise Damaged(
            _(
                "{name} does not have the SHA-256 that the hub names ({found} instead of "
                "{wanted}), so it was not put in place. Delete {part} and pull it again; if that "
                "does not help, tell the administrator of the hub."
            ).format(
                name=wanted.target.name,
                found=part.sha256[:12],
                wanted=wanted.sha256[:12],
                part=wanted.part,
            )
        )


def _receive(hub: HubClient, wanted: Wanted, part: _Part, advance: Advance) -> None:
    """Ask for the rest and append it; whoever sends the whole file instead is taken at its word."""
    headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
    have = part.size_bytes
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": f'"{wanted.sha256}"'}
    with hub.stream(wanted.url, headers) as response:
        if have and response.status_code != httpx.codes.PARTIAL_CONTENT:
            part.start_again()
            advance(-have)
        for chunk in response.iter_raw():  # as they come: what has arrived is never lost
            part.append(chunk)
            advance(len(chunk))


def _check_same(wanted: Wanted) -> None:
    is_as_long = wanted.target.stat().st_size == wanted.size_bytes
    if is_as_long and file_sha256(wanted.target) == wanted.sha256:
        return
    raise LocalProblem(
        _("{path} is another file of the same name. Move it away and pull again.").format(
            path=wanted.target
        ),
        code="name_taken",
    )


def _check_room(wanted: Wanted) -> None:
    have = wanted.part.stat().st_size if wanted.part.exists() else 0
    free = shutil.disk_usage(wanted.target.parent).free
    if free < wanted.size_bytes - have:
        raise OSError(errno.ENOSPC, "No space left on device")


def _disk_trouble(error: OSError, wanted: Wanted) -> LocalProblem:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LocalProblem(
            _(
                "The disk is full: {name} has {size} bytes. What came so far is kept. Make room "
                "and run the same again; it goes on where it stopped."
            ).format(name=wanted.target.name, size=wanted.size_bytes),
            code="disk_full",
        )
    return LocalProblem(
        _("{path} cannot be written: {reason}.").format(path=wanted.target, reason=reason_of(error))
    )
