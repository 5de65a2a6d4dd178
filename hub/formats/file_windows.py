"""The bytes of a large file, window by window, without copying them where the system can map them.

A mapping whose file shrinks or whose disk fails kills the process that reads it. So each window is
asked for with MADV_POPULATE_READ (Linux 5.14), which answers with an error instead; elsewhere the
bytes are read into one buffer of their own.
"""

import mmap
from collections.abc import Iterator
from typing import BinaryIO

WINDOW_BYTES = 4 << 20
POPULATE_READ = 22


def windows(file: BinaryIO, start: int, end: int) -> Iterator[memoryview]:
    """Views of the bytes from `start` to before `end`, in order; each is gone with the next.

    Raises OSError where the file ends too early or cannot be read. `file` is unbuffered, and its
    position may move.
    """
    position = start
    while position < end:
        stop = min((position // WINDOW_BYTES + 1) * WINDOW_BYTES, end)
        base = position // WINDOW_BYTES * WINDOW_BYTES
        mapped = _mapped(file, base, stop - base)
        if mapped is None:
            yield from copied_windows(file, position, end)
            return
        with mapped, memoryview(mapped) as whole, whole[position - base :] as window:
            yield window
        position = stop


def _mapped(file: BinaryIO, base: int, size: int) -> mmap.mmap | None:
    """A populated window, or None where the system does not offer it; OSError for lost bytes."""
    if not hasattr(mmap.mmap, "madvise"):
        return None
    try:
        mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ, offset=base)
    except ValueError as error:  # beyond the end
        raise OSError("the file ends too early") from error
    try:
        mapped.madvise(POPULATE_READ)
    except OSError as error:
        mapped.close()
        if error.errno == 22:  # EINVAL: an older kernel
            return None
        raise
    return mapped


def copied_windows(
    file: BinaryIO, start: int, end: int, *, size: int = WINDOW_BYTES
) -> Iterator[memoryview]:
    """The same bytes in one buffer of `size` that is filled again for each view."""
    buffer = memoryview(bytearray(min(size, end - start)))
    file.seek(start)
    left = end - start
    while left:
        window = buffer[: min(len(buffer), left)]
        _fill(file, window)
        yield window
        left -= len(window)


def _fill(file: BinaryIO, window: memoryview) -> None:
    """Read until the window is full: some file systems give less than they are asked for."""
    filled = 0
    while filled < len(window):
        size = file.readinto(window[filled:])  # type: ignore[attr-defined]
        if not size:
            raise OSError("the file ends too early")
        filled += size
