"""A TCP line that breaks: what a lost connection looks like to both ends."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

CHUNK_BYTES = 8192


class CutLine:
    """Passes bytes to the hub and back, and counts them.

    `cut` breaks it once, connections made later go through; while `is_down`, none does.
    """

    def __init__(self, hub_port: int) -> None:
        self._hub_port = hub_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._left: dict[str, int] = {}
        self._open: set[socket.socket] = set()
        self.passed = {"up": 0, "down": 0}
        self.cuts = 0
        self.is_down = False
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self, direction: str, *, after: int) -> None:
        """Break the connection over which the byte `after` goes, counted from now."""
        with self._lock:
            self._left[direction] = after

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._open):
            _close(end)
        self._thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                if self.is_down:
                    _close(near)
                    continue
                far = socket.create_connection(("127.0.0.1", self._hub_port))
                self._open |= {near, far}
                for ends, direction in (((near, far), "up"), ((far, near), "down")):
                    threading.Thread(
                        target=self._pump, args=(*ends, direction), daemon=True
                    ).start()

    def _pump(self, source: socket.socket, target: socket.socket, direction: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                allowed = self._allowed(direction, len(data))
                target.sendall(data[:allowed])
                if allowed < len(data):
                    break
        _close(source)
        _close(target)
        self._open -= {source, target}

    def _allowed(self, direction: str, count: int) -> int:
        if self.is_down:
            return 0
        with self._lock:
            left = self._left.get(direction)
            if left is None or count <= left:
                if left is not None:
                    self._left[direction] = left - count
                self.passed[direction] += count
                return count
            del self._left[direction]
            self.passed[direction] += left
            self.cuts += 1
            return left


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
