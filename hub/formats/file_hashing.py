"""Hashing a file on a disk: in one pass over its bytes, by two threads that share the work evenly.

The two SHA-256 (of the whole file, and of its tensors) are most of the work, and neither can be cut
in two. Each thread does one of them, and a light digest beside it: the first thread BLAKE3, for the
first part of the file, the second thread CRC32 and then, coming back for it, the rest of BLAKE3. So
both cores are busy to the end, without handing anything over but once. All digests release the GIL.

A piece is given to both digests of a thread while it is in the core's cache. What the second thread
comes back for has to be brought from memory again, which takes longer, so it is the smaller part.
"""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import BinaryIO

from hub.formats.errors import SafetensorsError
from hub.formats.file_windows import WINDOW_BYTES, copied_windows, windows
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
#: Of BLAKE3, what the first thread does: both are then done at the same time.
FIRST_SHARE = 0.7

Progress = Callable[[int, int], None]


def hash_file(
    path: Path, *, on_progress: Progress | None = None, limits: HeaderLimits = DEFAULT_LIMITS
) -> FileHashes:
    """Hash a file on disk; `on_progress` gets the bytes done and the bytes in all."""
    total = path.stat().st_size
    tell = on_progress or (lambda _done, _total: None)
    if total >= THREADED_FROM_BYTES:
        return _TwoPasses(path, total, limits).run(tell)
    hasher, done = StreamHasher(limits=limits), 0
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            hasher.update(chunk)
            done += len(chunk)
            tell(done, total)
    return hasher.finish()


class _TwoPasses:
    """One large file and its digests on their way."""

    def __init__(self, path: Path, total: int, limits: HeaderLimits) -> None:
        self._path, self._total = path, total
        self._header = _header_of(path, limits)
        self._light = LightDigests()
        self._is_handed_over = Event()
        # Without tensors the second thread has no SHA-256 to do.
        middle = int(total * FIRST_SHARE) if self._header is not None else 0
        self._middle = middle // WINDOW_BYTES * WINDOW_BYTES

    def run(self, tell: Progress) -> FileHashes:
        """Hash, with the caller's thread and one other."""
        with ThreadPoolExecutor(1) as other:
            try:
                second = other.submit(self._tensors)
                sha256, window = self._whole(tell)
            finally:
                self._is_handed_over.set()  # also when this thread has failed
            tensors = second.result()
        return file_hashes(
            size_bytes=self._total,
            sha256=sha256,
            light=self._light,
            window=window,
            tensors=tensors,
            header=self._header,
        )

    def _whole(self, tell: Progress) -> tuple[str, bytes]:
        digest = hashlib.sha256()
        with self._opened() as file:
            done = 0
            for window in windows(file, 0, self._total):
                if done == self._middle:
                    self._is_handed_over.set()
                if done < self._middle:
                    _give(window, digest.update, self._light.update_blake3)
                else:
                    digest.update(window)
                done += len(window)
                tell(done, self._total)
            file.seek(AUTOV1_OFFSET)
            return digest.hexdigest(), file.read(AUTOV1_LENGTH)

    def _tensors(self) -> str:
        digest, crc32 = hashlib.sha256(), self._light.update_crc32
        start = self._header.data_offset if self._header is not None else self._total
        with self._opened() as file:
            for window in windows(file, 0, start):
                crc32(window)
            for window in windows(file, start, self._total):
                _give(window, digest.update, crc32)
            self._is_handed_over.wait()
            # A copy into one small buffer costs no more than the mapping.
            for window in copied_windows(file, self._middle, self._total, size=CHUNK_BYTES):
                self._light.update_blake3(window)
        return digest.hexdigest()

    def _opened(self) -> BinaryIO:
        return self._path.open("rb", buffering=0)


def _give(window: memoryview, *updates: Callable[[memoryview], object]) -> None:
    """Each piece of the window to every digest, before the next piece takes its place in cache."""
    for start in range(0, len(window), CHUNK_BYTES):
        with window[start : start + CHUNK_BYTES] as piece:
            for update in updates:
                update(piece)


def _header_of(path: Path, limits: HeaderLimits) -> SafetensorsHeader | None:
    """The header of a valid safetensors file; other files simply have no tensor hash."""
    try:
        return read_header(path, limits=limits)
    except SafetensorsError:
        return None
