"""Telling the header of a safetensors stream from its tensors, while the bytes go by."""

from hub.formats.errors import SafetensorsError
from hub.formats.safetensors_header import (
    LENGTH_BYTES,
    HeaderLimits,
    SafetensorsHeader,
    parse_header,
)

Bytes = bytes | memoryview


class HeaderCutter:
    """Keeps the bytes of a safetensors header and passes on those of the tensors behind it."""

    def __init__(self, limits: HeaderLimits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._needed = LENGTH_BYTES + 1
        self._length_known = False
        self._possible = True

    def cut(self, chunk: Bytes) -> Bytes:
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
