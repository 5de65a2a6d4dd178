"""What a place for blobs must be able to do."""

from pathlib import Path
from typing import BinaryIO, Protocol


class BlobStore(Protocol):
    """Objects by key; a key is made by `key_for` and never by a person."""

    def put_path(self, key: str, path: Path, *, move: bool) -> None:
        """Store the file whole or not at all; a key that is there already is left as it is."""

    def open(self, key: str) -> BinaryIO:
        """A seekable binary file; FileNotFoundError when there is none."""

    def exists(self, key: str) -> bool:
        """Whether the object is there."""

    def delete(self, key: str) -> None:
        """Remove the object; removing what is not there is fine."""

    def tidy(self, *, grace_seconds: float) -> None:
        """Remove what was begun and never finished, and has not grown for so long."""

    def local_path(self, key: str) -> Path | None:
        """A path on this machine to read from, where the store has one."""

    def signed_url(
        self, key: str, *, disposition: str, content_type: str, seconds: int
    ) -> str | None:
        """A self-contained link valid for `seconds`, where the store can give one."""


def key_for(sha256: str) -> str:
    """Two levels of folders, so that no folder grows past a few thousand entries."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
