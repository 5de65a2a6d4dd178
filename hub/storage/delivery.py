"""Sending a blob: ranged, resumable, its SHA-256 as ETag, never more than a chunk in memory.

Django's FileResponse is not used: under ASGI it reads the whole file into memory first.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.response import HttpResponseNotModified, HttpResponseRedirect

from hub.core.errors import Gone
from hub.storage.backends.base import key_for
from hub.storage.backends.chosen import blob_store
from hub.storage.blobs import blob_exists, open_blob
from hub.storage.models import Blob

CHUNK_BYTES = 1024 * 1024
LOST = "The file is missing on the hub's disk. Tell the administrator."
RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


@dataclass(frozen=True)
class ByteRange:
    """First and last byte, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1


class BlobResponse(StreamingHttpResponse):
    """Streams one range of a blob: in threads under ASGI, plainly under WSGI and in tests.

    The file is opened with the first piece: an answer to somebody who has left is never closed.
    """

    def __init__(self, blob: Blob, part: ByteRange, **options: object) -> None:
        super().__init__(iter(()), **options)
        self._blob, self._part = blob, part

    def __iter__(self) -> Iterator[bytes]:
        with self._opened() as file:
            left = self._part.length
            while left > 0 and (piece := file.read(min(CHUNK_BYTES, left))):
                left -= len(piece)
                yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with await asyncio.to_thread(self._opened) as file:
            left = self._part.length
            while left > 0:
                piece = await asyncio.to_thread(file.read, min(CHUNK_BYTES, left))
                if not piece:
                    return
                left -= len(piece)
                yield piece

    def _opened(self) -> BinaryIO:
        file = open_blob(self._blob)
        self._resource_closers.append(file.close)  # type: ignore[attr-defined]
        file.seek(self._part.first)
        return file

    def getvalue(self) -> bytes:
        """The whole range; for tests of small files."""
        return b"".join(self)


def serve_blob(
    request: HttpRequest,
    blob: Blob,
    *,
    filename: str,
    content_type: str | None = None,
    inline: bool = False,
) -> HttpResponseBase:
    """The blob as a response to GET or HEAD; raises Gone when the store lost the bytes.

    The caller has checked that the person may have it. One range is honoured (RFC 9110,
    section 14); several at once get the whole file, as the RFC allows.
    """
    kind = content_type or blob.content_type
    etag = f'"{blob.sha256}"'
    if _is_known(request.headers.get("If-None-Match", ""), etag):
        return with_headers(HttpResponseNotModified(), etag, filename, inline=inline)
    handed = _handed_over(blob, kind, filename, inline=inline)
    if handed is not None:
        return handed
    if not blob_exists(blob):
        raise Gone(LOST)
    wanted = wanted_range(request, blob.size_bytes, etag)
    if wanted is None:
        refused = HttpResponse(status=416, headers={"Content-Range": f"bytes */{blob.size_bytes}"})
        return with_headers(refused, etag, filename, inline=inline)
    part, partial = wanted
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=kind)
    else:
        response = BlobResponse(blob, part, content_type=kind)
    response.headers["Content-Length"] = str(part.length)
    if partial:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {part.first}-{part.last}/{blob.size_bytes}"
    return with_headers(response, etag, filename, inline=inline)


def _is_known(named: str, etag: str) -> bool:
    """Whether the caller has these bytes; weak tags count as well (RFC 9110, section 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in named.split(",")}
    return not tags.isdisjoint({etag, "*"})


def content_disposition(filename: str, *, inline: bool = False) -> str:
    """One `filename="…"` and nothing after it, since some clients read only that form.

    Non-ASCII names go out as raw UTF-8 bytes: the value is those bytes read as Latin-1, which is
    how WSGI and ASGI put header text on the wire.
    """
    safe = "".join("_" if c in '"\\/\r\n' or not c.isprintable() else c for c in filename)
    value = f'{"inline" if inline else "attachment"}; filename="{safe}"'
    return value.encode("utf-8").decode("latin-1")


def _handed_over(blob: Blob, kind: str, filename: str, *, inline: bool) -> HttpResponseBase | None:
    """nginx or S3 sends the bytes where the settings say so. Raises Gone where nginx has none.

    What a page shows comes from our own origin: its policy lets it load nothing from a bucket.
    """
    if settings.STORAGE_INTERNAL_PREFIX:
        if not blob_exists(blob):
            raise Gone(LOST)
        response = HttpResponse(content_type=kind)
        response.headers["X-Accel-Redirect"] = (
            f"{settings.STORAGE_INTERNAL_PREFIX.rstrip('/')}/{key_for(blob.sha256)}"
        )
        handed = with_headers(response, f'"{blob.sha256}"', filename, inline=inline)
        del handed.headers["Accept-Ranges"]  # nginx says it, and would say it twice
        return handed
    if inline:
        return None
    url = blob_store().signed_url(
        key_for(blob.sha256),
        disposition=content_disposition(filename, inline=inline),
        content_type=kind,
        seconds=settings.BUCKET_LINK_SECONDS,
    )
    if url is None:
        return None
    return HttpResponseRedirect(url, headers={"Cache-Control": "no-store"})


def wanted_range(request: HttpRequest, size: int, etag: str) -> tuple[ByteRange, bool] | None:
    """The range to send and whether it is a part; None when it cannot be satisfied."""
    whole = ByteRange(0, size - 1)
    match = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if match is None or request.headers.get("If-Range", etag) != etag:
        return whole, False
    first, last = match.groups()
    if not first and not last:
        return whole, False
    if not first:
        start, end = max(size - int(last), 0), size - 1
        return None if int(last) == 0 or size == 0 else (ByteRange(start, end), True)
    start, end = int(first), min(int(last or size - 1), size - 1)
    if start >= size or (last and int(last) < start):
        return None
    return ByteRange(start, end), True


def with_headers(
    response: HttpResponseBase, etag: str, filename: str, *, inline: bool = False
) -> HttpResponseBase:
    """What every answer with stored bytes says: its name, its tag, and that nothing runs in it."""
    response.headers["ETag"] = etag
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Disposition"] = content_disposition(filename, inline=inline)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
