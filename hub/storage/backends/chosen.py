"""The store that STORAGE_URL names."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from hub.storage.backends.base import BlobStore
from hub.storage.backends.filesystem import FilesystemStore
from hub.storage.backends.s3 import S3Store


def blob_store() -> BlobStore:
    """The store of this process."""
    return _store_at(settings.STORAGE_URL)


@lru_cache(maxsize=4)
def _store_at(url: str) -> BlobStore:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FilesystemStore(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        return S3Store(url)
    raise ImproperlyConfigured(
        f"STORAGE_URL starts with {parts.scheme!r}; allowed are file:///folder and "
        "s3://bucket/prefix?endpoint=https://host."
    )
