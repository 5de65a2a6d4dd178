"""The bytes of a large file, piece by piece for several threads, without a copy where it can be.

A mapping whose file shrinks or whose disk fails kills the process that reads it. So each piece is
asked for with MADV_POPULATE_READ (Linux 5.14), which answers with an error instead; elsewhere the
bytes are read into a buffer of the thread's own.
"""

import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Self

POPULATE_READ = 22
NOT_KNOWN = 22  # EINVAL: an older kernel


@contextmanager
def mapped(file: BinaryIO, size: int) -> Iterator[mmap.mmap | None]:
    """The file as memory, None where the system cannot tell of lost bytes. Raises OSError."""
    mapping = _mapping(file, size)
    if mapping is None:
        yield None
        return
    with mapping:
        yield mapping


class PieceReader:
    """Pieces of one file for one thread: out of the mapping that all share, or read by itself.

    `file` is unbuffered, and its position may move.
    """

    def __init__(self, file: BinaryIO, mapping: mmap.mmap | None, *, most: int) -> None:
        """Read pieces of at most `most` bytes."""
        self._file, self._mapping = file, mapping
        self._whole = memoryview(mapping if mapping is not None else bytearray(most))

    def give(self, start: int, stop: int, update: Callable[[memoryview], object]) -> None:
        """Hand the bytes from `start` to before `stop` to `update`.

        Raises OSError where the file ends too early or cannot be read.
        """
        with self._piece(start, stop) as piece:
            update(piece)

    def give_back(self, start: int, stop: int) -> None:
        """Take out of the process what no thread reads again: memory must not grow with files."""
        if self._mapping is not None and stop > start:
            self._mapping.madvise(mmap.MADV_DONTNEED, start, stop - start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the mapping."""
        self._whole.release()

    def _piece(self, start: int, stop: int) -> memoryview:
        if self._mapping is not None:
            page = start // mmap.PAGESIZE * mmap.PAGESIZE
            self._mapping.madvise(POPULATE_READ, page, stop - page)
            return self._whole[start:stop]
        piece = self._whole[: stop - start]
        self._file.seek(start)
        _fill(self._file, piece)
        return piece


def _mapping(file: BinaryIO, size: int) -> mmap.mmap | None:
    if not hasattr(mmap.mmap, "madvise"):
        return None
    try:
        mapping = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    except ValueError as error:  # beyond the end
        raise OSError("the file ends too early") from error
    try:
        mapping.madvise(POPULATE_READ, 0, mmap.PAGESIZE)
    except OSError as error:
        mapping.close()
        if error.errno == NOT_KNOWN:
            return None
        raise
    return mapping


def _fill(file: BinaryIO, piece: memoryview) -> None:
    """Read until the piece is full: some file systems give less than they are asked for."""
    filled = 0
    while filled < len(piece):
        size = file.readinto(piece[filled:])  # type: ignore[attr-defined]
        if not size:
            raise OSError("the file ends too early")
        filled += size
