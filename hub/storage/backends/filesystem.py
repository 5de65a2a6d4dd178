"""Blobs in a folder of this machine or of a shared file system."""

import os
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

BEGUN = ".begun"


class FilesystemStore:
    """Objects are files; each is written in a folder beside them and renamed into its place."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_path(self, key: str, path: Path, *, move: bool) -> None:
        """Store the file; a move inside one file system copies no byte."""
        target = self.root / key
        if target.exists():
            if move:
                path.unlink(missing_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        begun = self.root / BEGUN
        begun.mkdir(exist_ok=True)
        partial = begun / f"{target.name}.{uuid.uuid4().hex}"
        try:
            if move:
                shutil.move(path, partial)
            else:
                shutil.copyfile(path, partial)
            _flush(partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def open(self, key: str) -> BinaryIO:
        """The file, opened for reading."""
        return (self.root / key).open("rb")

    def exists(self, key: str) -> bool:
        """Whether the file is there."""
        return (self.root / key).is_file()

    def delete(self, key: str) -> None:
        """Unlink the file."""
        (self.root / key).unlink(missing_ok=True)

    def tidy(self, *, grace_seconds: float) -> None:
        """Unlink what a killed process had begun to write and nobody has written to since."""
        oldest = time.time() - grace_seconds
        for path in (self.root / BEGUN).glob("*"):
            with suppress(FileNotFoundError):  # it has just got its place
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def local_path(self, key: str) -> Path | None:
        """The file itself."""
        path = self.root / key
        return path if path.is_file() else None

    def signed_url(
        self, key: str, *, disposition: str, content_type: str, seconds: int
    ) -> str | None:
        """None: the hub serves these bytes itself."""
        return None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
