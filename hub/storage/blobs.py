"""Putting bytes in and taking them out, by SHA-256."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from hub.formats.copying import COPY_BYTES
from hub.storage.backends.base import key_for
from hub.storage.backends.chosen import blob_store
from hub.storage.models import Blob


def store_path(
    path: Path, *, content_type: str, sha256: str | None = None, move: bool = False
) -> Blob:
    """Store a file and return its blob; the same bytes give the same blob.

    `sha256` (lower-case hex) saves reading the file when the caller hashed it on the way in.
    With `move` the file is gone afterwards.
    """
    digest = sha256 or file_sha256(path)
    size_bytes = path.stat().st_size
    blob_store().put_path(key_for(digest), path, move=move)
    blob, _made = Blob.objects.get_or_create(
        sha256=digest, defaults={"size_bytes": size_bytes, "content_type": content_type}
    )
    return blob


def store_bytes(data: bytes, *, content_type: str) -> Blob:
    """Store a small thing that is in memory already."""
    folder = scratch_folder()
    descriptor, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return store_path(
        Path(name), content_type=content_type, sha256=hashlib.sha256(data).hexdigest(), move=True
    )


def open_blob(blob: Blob) -> BinaryIO:
    """A seekable file of the blob's bytes; FileNotFoundError when the store lost it."""
    return blob_store().open(key_for(blob.sha256))


def blob_exists(blob: Blob) -> bool:
    """Whether the store still has the bytes."""
    return blob_store().exists(key_for(blob.sha256))


def local_path(blob: Blob) -> Path | None:
    """A readable path on this machine, where the store has one."""
    return blob_store().local_path(key_for(blob.sha256))


def ensure_local(blob: Blob, folder: Path, *, name: str | None = None) -> Path:
    """A read-only copy of the blob in `folder`: a hard link where possible; made once."""
    target = folder / (name or blob.sha256)
    if target.exists() and target.stat().st_size == blob.size_bytes:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    source = local_path(blob)
    if source is not None and _linked(source, partial):
        partial.replace(target)
        return target
    with open_blob(blob) as reader, partial.open("wb") as writer:
        shutil.copyfileobj(reader, writer, COPY_BYTES)
    partial.replace(target)
    return target


def file_sha256(path: Path) -> str:
    """Lower-case hex SHA-256 of a file, read in 1 MiB pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def scratch_folder() -> Path:
    """A folder for files on their way in, on the same file system as a local store."""
    folder = Path(settings.ATELIER_HOME) / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        return False
    return True
