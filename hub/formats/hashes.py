"""All the hashes by which tools name a model file, in one pass over its bytes.

| kind | what is hashed |
|---|---|
| SHA256, BLAKE3, CRC32 | the whole file |
| AutoV1 | 64 KiB at offset 1 MiB, first 8 digits; only from 2 MiB up |
| AutoV2 | first 10 digits of SHA256 |
| AutoV3 | SHA-256 of the tensors behind a valid safetensors header |
| SSHS | what the trainer wrote into the header as `sshs_model_hash` |
"""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from blake3 import blake3

from hub.formats.hash_lanes import Bytes, HeaderCutter, InlineLane, ThreadLane
from hub.formats.safetensors_header import DEFAULT_LIMITS, HeaderLimits, SafetensorsHeader

CHUNK_BYTES = 1 << 20
THREADED_FROM_BYTES = 4 << 20

AUTOV1_OFFSET = 0x100000
AUTOV1_LENGTH = 0x10000
AUTOV1_MIN_BYTES = 2 << 20
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest().upper()
SSHS_MIN_DIGITS = 8
HEX_DIGITS = frozenset("0123456789ABCDEF")

Progress = Callable[[int, int], None]


class HashKind(StrEnum):
    """Names of the hashes as Civitai's API writes them; SSHS is the seventh, from the header."""

    SHA256 = "SHA256"
    AUTOV1 = "AutoV1"
    AUTOV2 = "AutoV2"
    AUTOV3 = "AutoV3"
    BLAKE3 = "BLAKE3"
    CRC32 = "CRC32"
    SSHS = "SSHS"


@dataclass(frozen=True, slots=True)
class FileHashes:
    """The digests of one file, in upper-case hex.

    `autov3_full` has 64 digits and is None when the file is no valid safetensors file or holds no
    tensor bytes: the hash of nothing would link every such file with every other.
    """

    size_bytes: int
    sha256: str
    blake3: str
    crc32: str
    autov1: str | None = None
    autov3_full: str | None = None
    sshs: str | None = None

    @property
    def autov2(self) -> str:
        """The short hash that A1111 shows for checkpoints."""
        return self.sha256[:10]

    @property
    def autov3(self) -> str | None:
        """The short hash that A1111 writes for LoRA files."""
        return self.autov3_full[:12] if self.autov3_full else None

    def as_mapping(self) -> Mapping[HashKind, str]:
        """Every hash that the file has; AutoV3 in its short form."""
        values = {
            HashKind.SHA256: self.sha256,
            HashKind.AUTOV1: self.autov1,
            HashKind.AUTOV2: self.autov2,
            HashKind.AUTOV3: self.autov3,
            HashKind.BLAKE3: self.blake3,
            HashKind.CRC32: self.crc32,
            HashKind.SSHS: self.sshs,
        }
        return {kind: value for kind, value in values.items() if value}


class StreamHasher:
    """Hashes bytes as they arrive, for example while an upload is being received.

    With `threaded` every digest has its own thread (all of them release the GIL). Memory stays
    below `QUEUED_CHUNKS` chunks for each digest plus one header. Use it as a context manager or
    call `finish`, so that the threads end.
    """

    def __init__(self, *, threaded: bool = False, limits: HeaderLimits = DEFAULT_LIMITS) -> None:
        """Start the digests."""
        self._size = 0
        self._limits = limits
        self._sha256 = hashlib.sha256()
        self._tensors = hashlib.sha256()
        self._blake3 = blake3()
        self._crc32 = 0
        self._window = bytearray()
        self._header = HeaderCutter(limits)
        self._result: FileHashes | None = None
        lane = ThreadLane if threaded else InlineLane
        self._whole = (
            lane(self._sha256.update),
            lane(self._blake3.update),
            lane(self._update_crc32),
        )
        self._tensor_lane = lane(self._tensors.update)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def update(self, chunk: bytes) -> None:
        """Take the next bytes of the file; chunks of about 1 MiB are the fastest."""
        if not chunk:
            return
        self._fill_window(chunk)
        for lane in self._whole:
            lane.put(chunk)
        tensor_bytes = self._header.cut(chunk)
        if tensor_bytes:
            self._tensor_lane.put(tensor_bytes)
        self._size += len(chunk)

    def finish(self) -> FileHashes:
        """Return the hashes of everything seen; later calls return the same."""
        if self._result is None:
            self._close()
            header = self._header.parsed(self._size, self._limits)
            self._result = FileHashes(
                size_bytes=self._size,
                sha256=self._sha256.hexdigest().upper(),
                blake3=self._blake3.hexdigest().upper(),
                # Civitai prints the four bytes in little-endian order (.NET's array order).
                crc32=self._crc32.to_bytes(4, "little").hex().upper(),
                autov1=self._autov1(),
                autov3_full=self._autov3(header),
                sshs=_stated_hash(header),
            )
        return self._result

    def _close(self) -> None:
        for lane in (*self._whole, self._tensor_lane):
            lane.join()

    def _update_crc32(self, chunk: Bytes) -> None:
        self._crc32 = zlib.crc32(chunk, self._crc32)

    def _fill_window(self, chunk: bytes) -> None:
        start = max(AUTOV1_OFFSET - self._size, 0)
        end = AUTOV1_OFFSET + AUTOV1_LENGTH - self._size
        if start < end:
            self._window += chunk[start:end]

    def _autov1(self) -> str | None:
        if self._size < AUTOV1_MIN_BYTES:
            return None
        return hashlib.sha256(self._window).hexdigest()[:8].upper()

    def _autov3(self, header: SafetensorsHeader | None) -> str | None:
        if header is None or not header.data_bytes:
            return None
        return self._tensors.hexdigest().upper()


def hash_file(
    path: Path, *, on_progress: Progress | None = None, limits: HeaderLimits = DEFAULT_LIMITS
) -> FileHashes:
    """Hash a file on disk; `on_progress` gets the bytes done and the bytes in all."""
    total = path.stat().st_size
    done = 0
    with StreamHasher(threaded=total >= THREADED_FROM_BYTES, limits=limits) as hasher:
        with path.open("rb", buffering=0) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                hasher.update(chunk)
                done += len(chunk)
                if on_progress is not None:
                    on_progress(done, total)
        return hasher.finish()


def _stated_hash(header: SafetensorsHeader | None) -> str | None:
    """Clean the header's own hash: some trainers write 0x before it, some the hash of nothing."""
    if header is None:
        return None
    stated = header.metadata.get("sshs_model_hash", "").strip().upper().removeprefix("0X")
    is_hash = SSHS_MIN_DIGITS <= len(stated) <= len(EMPTY_SHA256) and HEX_DIGITS.issuperset(stated)
    return stated if is_hash and not EMPTY_SHA256.startswith(stated) else None
