"""ClamAV, where a daemon is configured: bytes are streamed to it, nothing is shared on a disk.

Protocol: INSTREAM of clamd, https://docs.clamav.net/manual/Usage/Scanning.html#clamd. Where the
daemon cannot be asked, the file keeps waiting: "not scanned" is never "clean".
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings

CHUNK_BYTES = 1 << 20
ANSWER_BYTES = 4096
LENGTH = struct.Struct("!L")
PREFIX, FOUND, CLEAN = "stream: ", " FOUND", "OK"


@dataclass(frozen=True, slots=True)
class VirusVerdict:
    """`signature` names what was found; `reason` says why the file could not be looked at whole."""

    signature: str = ""
    reason: str = ""

    @property
    def is_clean(self) -> bool:
        """Looked at from end to end, and nothing found."""
        return not (self.signature or self.reason)


class ScannerAway(Exception):
    """The daemon does not answer; the file waits for it."""


def is_configured() -> bool:
    """Whether files go to a virus scanner here."""
    return bool(settings.CLAMAV_URL)


def ask_clamav(path: Path) -> VirusVerdict:
    """Stream a file to the daemon; raises ScannerAway when it does not answer."""
    try:
        with _connected() as link:
            link.sendall(b"zINSTREAM\0")
            _send_file(link, path)
            answer = _answer(link)
    except OSError as error:
        raise ScannerAway(str(error)) from error
    return _verdict(answer)


def _send_file(link: socket.socket, path: Path) -> None:
    """Send length and bytes of each piece. A daemon that has heard enough hangs up and says why."""
    with path.open("rb", buffering=0) as file:
        try:
            while piece := file.read(CHUNK_BYTES):
                link.sendall(LENGTH.pack(len(piece)) + piece)
            link.sendall(LENGTH.pack(0))
        except (BrokenPipeError, ConnectionResetError):
            return


def _answer(link: socket.socket) -> str:
    received = bytearray()
    while len(received) < ANSWER_BYTES and not received.endswith(b"\0"):
        piece = link.recv(ANSWER_BYTES)
        if not piece:
            break
        received += piece
    if not received:
        raise ConnectionError("no answer")
    return received.rstrip(b"\0\n").decode("utf-8", "replace")


def _verdict(answer: str) -> VirusVerdict:
    said = answer.removeprefix(PREFIX)
    if said == CLEAN:
        return VirusVerdict()
    if said.endswith(FOUND):
        return VirusVerdict(signature=said.removesuffix(FOUND))
    return VirusVerdict(reason=said)


@contextmanager
def _connected() -> Iterator[socket.socket]:
    parts = urlsplit(settings.CLAMAV_URL)
    timeout = settings.CLAMAV_TIMEOUT_SECONDS
    if parts.scheme == "unix":
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(timeout)
        with link:
            link.connect(unquote(parts.path))
            yield link
        return
    with socket.create_connection((parts.hostname, parts.port), timeout=timeout) as link:
        yield link
