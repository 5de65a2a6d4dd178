"""Sending many blobs as one zip archive: ranged, resumable, never more than a chunk in memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.response import HttpResponseNotModified

from hub.formats.zip_stream import Piece, ZipLayout, ZipMember
from hub.storage.blobs import open_blob
from hub.storage.delivery import CHUNK_BYTES, ByteRange, wanted_range, with_headers
from hub.storage.models import Blob


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file of the archive: a blob whose checksum is known, or a few bytes of our own."""

    member: ZipMember
    blob: Blob | None = None
    data: bytes = b""


class ArchiveResponse(StreamingHttpResponse):
    """Streams one range of an archive: in threads under ASGI, plainly under WSGI and in tests."""

    def __init__(
        self,
        layout: ZipLayout,
        entries: Sequence[ArchiveEntry],
        part: ByteRange,
        **options: object,
    ) -> None:
        super().__init__(iter(()), **options)
        self._pieces = layout.pieces(part.first, part.last)
        self._entries = entries

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            yield from self._read(piece)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            chunks = self._read(piece)
            while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
                yield chunk

    def _read(self, piece: Piece) -> Iterator[bytes]:
        if piece.member < 0:
            yield piece.data
            return
        entry = self._entries[piece.member]
        if entry.blob is None:
            yield entry.data[piece.start : piece.start + piece.length]
            return
        with open_blob(entry.blob) as file:
            self._resource_closers.append(file.close)  # type: ignore[attr-defined]
            yield from _chunks(file, piece)

    def getvalue(self) -> bytes:
        """The whole range; for tests of small files."""
        return b"".join(self)


def serve_archive(
    request: HttpRequest, entries: Sequence[ArchiveEntry], *, filename: str
) -> HttpResponseBase:
    """The archive as a response to GET or HEAD; one range is honoured, as for a single blob."""
    layout = ZipLayout([entry.member for entry in entries])
    etag = f'"{_digest(entries)}"'
    if request.headers.get("If-None-Match") == etag:
        return with_headers(HttpResponseNotModified(), etag, filename)
    wanted = wanted_range(request, layout.size_bytes, etag)
    if wanted is None:
        refused = HttpResponse(status=416)
        refused.headers["Content-Range"] = f"bytes */{layout.size_bytes}"
        return with_headers(refused, etag, filename)
    part, partial = wanted
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type="application/zip")
    else:
        response = ArchiveResponse(layout, entries, part, content_type="application/zip")
    response.headers["Content-Length"] = str(part.length)
    if partial:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {part.first}-{part.last}/{layout.size_bytes}"
    return with_headers(response, etag, filename)


def begins_at_start(request: HttpRequest) -> bool:
    """Whether a request asks for the first byte: one that goes on later is the same download."""
    return request.headers.get("Range", "bytes=0-").strip().startswith("bytes=0-")


def _chunks(file: BinaryIO, piece: Piece) -> Iterator[bytes]:
    file.seek(piece.start)
    left = piece.length
    while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
        left -= len(chunk)
        yield chunk
    if left:
        # The length is promised already: breaking off is the one honest way to say so.
        raise ConnectionAbortedError("the store holds less of a file than it should")


def _digest(entries: Sequence[ArchiveEntry]) -> str:
    """Names and contents decide: the same archive has the same tag on every server."""
    digest = hashlib.sha256()
    for entry in entries:
        content = entry.blob.sha256 if entry.blob else hashlib.sha256(entry.data).hexdigest()
        digest.update(f"{entry.member.name}\0{content}\n".encode())
    return digest.hexdigest()
