"""Sending one file by tus 1.0 (https://tus.io), resumed where an earlier run stopped.

The address of an unfinished upload is remembered by hub, purpose and SHA-256 in the user's state
folder: a second run asks the hub how far it came and sends the rest.
"""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import platformdirs

from hub.cli.credentials import APP
from hub.cli.errors import LocalProblem, NotFound, Refused, Unreachable, reason_of
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.terminal import Advance, Terminal

UPLOADS = "/api/v2/uploads/"
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK_BYTES = 1 << 20
ATTEMPTS = 5
FIRST_WAIT_SECONDS = 1.0
KEPT = 200


@dataclass(frozen=True, slots=True)
class Sending:
    """A file to send, under a name, for a purpose; `sha256` in lower case."""

    path: Path
    name: str
    purpose: str
    sha256: str

    @property
    def size_bytes(self) -> int:
        """Length of the file."""
        return self.path.stat().st_size


def send(hub: HubClient, sending: Sending, terminal: Terminal) -> str:
    """Bring a file to the hub; returns the id of the finished upload.

    A broken line is taken up again, up to ATTEMPTS times in a row without a byte. Until `forget`
    is called, the same call finds the upload again and sends nothing twice.
    """
    started = _Started(hub.origin, sending)
    address, offset = _resumed(hub, started.address()) or (_begin(hub, sending), 0)
    started.remember(address)
    try:
        file = sending.path.open("rb")
    except OSError as error:
        raise LocalProblem(
            _("{path} cannot be read: {reason}.").format(path=sending.path, reason=reason_of(error))
        ) from error
    with file, terminal.progress(sending.name, total=sending.size_bytes, done=offset) as advance:
        _send_rest(hub, address, file, offset, sending.size_bytes, advance, terminal)
    return address.rstrip("/").rpartition("/")[2]


def forget(hub: HubClient, sending: Sending) -> None:
    """The upload was used: there is nothing left to resume."""
    _Started(hub.origin, sending).forget()


def _send_rest(
    hub: HubClient,
    address: str,
    file: IO[bytes],
    offset: int,
    total: int,
    advance: Advance,
    terminal: Terminal,
) -> None:
    fruitless = 0
    while offset < total:
        before = offset
        try:
            offset = _append(hub, address, file, offset, advance)
        except (Unreachable, Refused) as error:
            if isinstance(error, Refused) and error.error_code != "conflict":
                raise
            terminal.wait(FIRST_WAIT_SECONDS * 2**fruitless)
            offset = _offset(hub, address, before)
            fruitless = 0 if offset > before else fruitless + 1
            if fruitless >= ATTEMPTS:
                raise


def _begin(hub: HubClient, sending: Sending) -> str:
    """Make the upload; the path of its address."""
    metadata = {"filename": sending.name, "purpose": sending.purpose}
    pairs = (f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in metadata.items())
    headers = {
        **TUS,
        "Upload-Length": str(sending.size_bytes),
        "Upload-Metadata": ",".join(pairs),
    }
    answer = hub.answer("POST", UPLOADS, headers=headers)
    return urlsplit(answer.headers["Location"]).path


def _append(hub: HubClient, address: str, file: IO[bytes], offset: int, advance: Advance) -> int:
    headers = {
        **TUS,
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(os.fstat(file.fileno()).st_size - offset),
    }
    file.seek(offset)
    answer = hub.answer("PATCH", address, headers=headers, content=_pieces(file, advance))
    return int(answer.headers["Upload-Offset"])


def _pieces(file: IO[bytes], advance: Advance) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
        advance(len(chunk))


def _offset(hub: HubClient, address: str, fallback: int) -> int:
    """How far the hub has it; while it cannot be asked, as far as before."""
    try:
        return int(hub.answer("HEAD", address, headers=TUS).headers["Upload-Offset"])
    except Unreachable:
        return fallback


def _resumed(hub: HubClient, address: str) -> tuple[str, int] | None:
    """The unfinished upload of an earlier run and its offset; None when the hub let it go."""
    if not address:
        return None
    try:
        answer = hub.answer("HEAD", address, headers=TUS)
    except (NotFound, Refused):
        return None
    return address, int(answer.headers["Upload-Offset"])


class _Started:
    """The notes about one unfinished upload; losing them costs time, never bytes."""

    def __init__(self, origin: str, sending: Sending) -> None:
        named = os.environ.get("ATELIER_CONFIG")
        folder = Path(named) if named else Path(platformdirs.user_state_dir(APP))
        self._path = folder / "uploads.json"
        self._key = f"{origin} {sending.purpose} {sending.sha256} {sending.name}"

    def address(self) -> str:
        """Where the upload of an earlier run is, or nothing."""
        return self._load().get(self._key, "")

    def remember(self, address: str) -> None:
        """Note where the bytes go."""
        notes = self._load()
        notes.pop(self._key, None)
        self._save({**notes, self._key: address})

    def forget(self) -> None:
        """Drop the note."""
        notes = self._load()
        notes.pop(self._key, None)
        self._save(notes)

    def _load(self) -> dict[str, str]:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def _save(self, notes: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        part.write_text(json.dumps(dict(list(notes.items())[-KEPT:]), indent=2), encoding="utf-8")
        part.replace(self._path)
