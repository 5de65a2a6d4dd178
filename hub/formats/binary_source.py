"""Reading from a path or from an open binary file in the same way."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

BinarySource = Path | BinaryIO


@contextmanager
def opened(source: BinarySource) -> Iterator[BinaryIO]:
    """Give an open file, positioned at its start; close it only if it was opened here."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
        return
    source.seek(0)
    yield source


def size_of(stream: BinaryIO) -> int:
    """Return the length in bytes; the position stays where it is."""
    position = stream.tell()
    size = stream.seek(0, os.SEEK_END)
    stream.seek(position)
    return size
