"""Hashing a file on a disk: in one pass over its bytes, by two threads that share the work evenly.

The two SHA-256 (of the whole file, and of its tensors) are most of the work, and neither can be cut
in two. Each thread walks over the file with one of them. The light digests, BLAKE3 and CRC32, are
a third walk that belongs to nobody: after each piece, the thread that is ahead of the other goes on
with it, while these bytes are still in a cache. So neither waits for the other, whatever else its
core has to do, and both are done together. All digests release the GIL.
"""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from mmap import mmap
from pathlib import Path
from threading import Lock

from hub.formats.errors import SafetensorsError
from hub.formats.file_pieces import PieceReader, mapped
from hub.formats.hashes import (
    AUTOV1_LENGTH,
    AUTOV1_OFFSET,
    FileHashes,
    LightDigests,
    StreamHasher,
    file_hashes,
)
from hub.formats.safetensors_header import (
    DEFAULT_LIMITS,
    HeaderLimits,
    SafetensorsHeader,
    read_header,
)

CHUNK_BYTES = 1 << 20
THREADED_FROM_BYTES = 8 << 20
#: What lies behind all walks is given back in steps of this size.
GIVEN_BACK_BYTES = 16 << 20

WHOLE, TENSORS = "whole", "tensors"

Progress = Callable[[int, int], None]
Update = Callable[[memoryview], object]


def hash_file(
    path: Path, *, on_progress: Progress | None = None, limits: HeaderLimits = DEFAULT_LIMITS
) -> FileHashes:
    """Hash a file on disk; `on_progress` gets the bytes done and the bytes in all."""
    total = path.stat().st_size
    tell = on_progress or _untold
    if total >= THREADED_FROM_BYTES:
        return _OnePass(path, total, limits).run(tell)
    hasher, done = StreamHasher(limits=limits), 0
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            hasher.update(chunk)
            done += len(chunk)
            tell(done, total)
    return hasher.finish()


class _OnePass:
    """One large file, and how far each walk is: whole, tensors, light digests."""

    def __init__(self, path: Path, total: int, limits: HeaderLimits) -> None:
        self._path, self._total = path, total
        self._header = _header_of(path, limits)
        # Without tensors their walk is over before it begins.
        start = self._header.data_offset if self._header is not None else total
        self._at = {WHOLE: 0, TENSORS: start}
        self._light, self._light_at, self._turn = LightDigests(), 0, Lock()
        self._given_back = 0
        self._is_broken = False

    def run(self, tell: Progress) -> FileHashes:
        """Hash, with the caller's thread and one other."""
        with (
            self._path.open("rb", buffering=0) as file,
            mapped(file, self._total) as mapping,
            ThreadPoolExecutor(1) as other,
        ):
            second = other.submit(self._walked, TENSORS, mapping, _untold)
            sha256 = self._walked(WHOLE, mapping, tell)
            tensors = second.result()
            file.seek(AUTOV1_OFFSET)
            window = file.read(AUTOV1_LENGTH)
        return file_hashes(
            size_bytes=self._total,
            sha256=sha256,
            light=self._light,
            window=window,
            tensors=tensors,
            header=self._header,
        )

    def _walked(self, own: str, mapping: mmap | None, tell: Progress) -> str:
        """The SHA-256 of one walk, when that and all light digests are done or in good hands."""
        digest = hashlib.sha256()
        try:
            with (
                self._path.open("rb", buffering=0) as file,
                PieceReader(file, mapping, most=CHUNK_BYTES) as reader,
            ):
                self._walk(own, reader, digest.update, tell)
        except BaseException:
            self._is_broken = True  # the other walk need not go on
            raise
        return digest.hexdigest()

    def _walk(self, own: str, reader: PieceReader, update: Update, tell: Progress) -> None:
        other = TENSORS if own is WHOLE else WHOLE
        while (start := self._at[own]) < self._total and not self._is_broken:
            stop = self._next(start)
            reader.give(start, stop, update)
            self._at[own] = stop
            tell(stop, self._total)
            while stop >= self._at[other] and self._lighten(reader, before=stop, waits=False):
                pass
        while not self._is_broken and self._lighten(reader, before=self._total, waits=True):
            pass

    def _lighten(self, reader: PieceReader, *, before: int, waits: bool) -> bool:
        """Do the next piece of the light digests; whether there was one and it was free."""
        if not self._turn.acquire(blocking=waits):
            return False
        try:
            start = self._light_at
            if start >= before:
                return False
            self._light_at = self._next(start)
            reader.give(start, self._light_at, self._light.update)
            behind = min(*self._at.values(), self._light_at) // GIVEN_BACK_BYTES * GIVEN_BACK_BYTES
            reader.give_back(self._given_back, behind)
            self._given_back = max(behind, self._given_back)
            return True
        finally:
            self._turn.release()

    def _next(self, start: int) -> int:
        """Where the piece ends that begins here; pieces of all walks have the same edges."""
        return min((start // CHUNK_BYTES + 1) * CHUNK_BYTES, self._total)


def _untold(_done: int, _total: int) -> None:
    """Progress is told by one walk."""


def _header_of(path: Path, limits: HeaderLimits) -> SafetensorsHeader | None:
    """The header of a valid safetensors file; other files simply have no tensor hash."""
    try:
        return read_header(path, limits=limits)
    except SafetensorsError:
        return None
