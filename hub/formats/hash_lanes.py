"""How the bytes of one stream reach several digests, with and without threads."""

from collections.abc import Callable
from queue import Queue
from threading import Thread

from hub.formats.errors import SafetensorsError
from hub.formats.safetensors_header import (
    LENGTH_BYTES,
    HeaderLimits,
    SafetensorsHeader,
    parse_header,
)

QUEUED_CHUNKS = 8

Bytes = bytes | memoryview


class InlineLane:
    """One digest, updated by the caller."""

    def __init__(self, update: Callable[[Bytes], object]) -> None:
        self.put = update

    def join(self) -> None:
        """Nothing to wait for."""


class ThreadLane:
    """One digest, updated by its own thread behind a short queue."""

    def __init__(self, update: Callable[[Bytes], object]) -> None:
        self._update = update
        self._queue: Queue[Bytes | None] = Queue(maxsize=QUEUED_CHUNKS)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, chunk: Bytes) -> None:
        """Hand over a chunk; waits while the queue is full, which bounds the memory."""
        self._queue.put(chunk)

    def join(self) -> None:
        """Wait until every chunk is hashed."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (chunk := self._queue.get()) is not None:
            self._update(chunk)


class HeaderCutter:
    """Keeps the bytes of a safetensors header and passes on those of the tensors behind it."""

    def __init__(self, limits: HeaderLimits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._needed = LENGTH_BYTES + 1
        self._length_known = False
        self._possible = True

    def cut(self, chunk: bytes) -> Bytes:
        """Return the part of the chunk that belongs to the tensors, if any."""
        rest = memoryview(chunk)
        while self._possible and rest and len(self._buffer) < self._needed:
            missing = self._needed - len(self._buffer)
            self._buffer += rest[:missing]
            rest = rest[missing:]
            if not self._length_known and len(self._buffer) == self._needed:
                self._read_length()
        return rest if self._possible else b""

    def parsed(self, size: int, limits: HeaderLimits) -> SafetensorsHeader | None:
        """Return the header if the whole file proved to be valid."""
        if not self._possible or not self._length_known or len(self._buffer) < self._needed:
            return None
        raw = bytes(self._buffer[LENGTH_BYTES:])
        try:
            return parse_header(raw, data_bytes=size - self._needed, limits=limits)
        except SafetensorsError:
            return None  # some other file type: it simply has no tensor hash

    def _read_length(self) -> None:
        length = int.from_bytes(self._buffer[:LENGTH_BYTES], "little")
        self._length_known = True
        self._possible = (
            2 <= length <= self._limits.max_header_bytes and self._buffer[LENGTH_BYTES:] == b"{"
        )
        self._needed = LENGTH_BYTES + length
