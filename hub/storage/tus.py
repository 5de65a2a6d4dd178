"""Resumable uploads on the wire: tus 1.0 core, creation, termination, checksum, expiration.

Protocol: https://tus.io/protocols/resumable-upload. A raw ASGI application in front of Django:
Django would spool a whole request body to disk before a view sees it. Requests carry the
`Tus-Resumable` header, which no cross-site form can send, so no CSRF token is asked for; the
person comes from the session or a bearer token.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC
from email.utils import format_datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from channels.db import database_sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.handlers.asgi import ASGIRequest
from django.utils import translation
from django.utils.translation import get_language_from_request
from django.utils.translation import gettext as _

from hub.core.errors import (
    AtelierError,
    Conflict,
    NotAllowed,
    NotFound,
    SignedOut,
    TooLarge,
)
from hub.core.http_status import status_of
from hub.core.own_origin import headers_of, is_own_origin
from hub.formats.copying import COPY_BYTES
from hub.storage import uploads
from hub.storage.models import Upload, UploadPurpose, UploadStatus
from hub.storage.tus_headers import (
    CHECKSUM_MISMATCH,
    Promise,
    metadata_in,
    number_in,
    offered,
    promise_in,
)

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
FindUser = Callable[[Scope], Awaitable[AbstractBaseUser | None]]

# Each call in a thread of its own: storing a large file must not hold up every other socket.
in_thread = partial(database_sync_to_async, thread_sensitive=False)

PREFIX = "/api/v2/uploads/"
WRITE_BYTES = 4 * 1024 * 1024
FLUSH_BYTES = 64 * 1024 * 1024
FLUSH = getattr(os, "fdatasync", os.fsync)
MAX_VECTORS = 512
HASHES_KEPT = 64
VERSION = {"Tus-Resumable": "1.0.0", "Cache-Control": "no-store"}


class TusApp:
    """POST makes an upload, HEAD tells its offset, PATCH appends to it, DELETE drops it."""

    def __init__(self, find_user: FindUser) -> None:
        self.find_user = find_user
        self._hashes: OrderedDict[uuid.UUID, tuple[int, Any]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry; every answer, errors included, is made here, in the sender's language."""
        with translation.override(get_language_from_request(ASGIRequest(scope, BytesIO()))):
            try:
                status, headers, body = await self._answer(scope, receive)
            except AtelierError as error:
                status = status_of(error)
                headers = {"Content-Type": "application/json"}
                body = json.dumps({"error": error.message, "code": error.error_code}).encode()
        sent = {**VERSION, **headers, "Content-Length": str(len(body))}
        pairs = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, str], bytes]:
        headers = headers_of(scope)
        method: str = headers.get("x-http-method-override") or scope["method"]
        if method == "OPTIONS":
            return 204, offered(), b""
        if headers.get("tus-resumable") != "1.0.0":
            return 412, {"Tus-Version": "1.0.0"}, b""
        if not is_own_origin(headers):
            raise NotAllowed(_("Uploads are accepted from this site's own pages only."))
        user = await self.find_user(scope)
        if user is None:
            raise SignedOut(_("Sign in to upload."))
        if scope["path"] == PREFIX and method == "POST":
            return await self._create(user, scope, headers)
        return await self._act(await _find(user, scope["path"]), method, headers, receive)

    async def _act(
        self, upload: Upload, method: str, headers: dict[str, str], receive: Receive
    ) -> tuple[int, dict[str, str], bytes]:
        if method == "HEAD":
            return 200, _progress(upload), b""
        if method == "PATCH":
            return await self._append(upload, headers, receive)
        if method == "DELETE":
            await in_thread(uploads.discard_upload)(upload=upload)
            return 204, {}, b""
        return 405, {"Allow": "OPTIONS, POST, HEAD, PATCH, DELETE"}, b""

    async def _create(
        self, user: AbstractBaseUser, scope: Scope, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        metadata = metadata_in(headers.get("upload-metadata", ""))
        upload = await in_thread(uploads.begin_upload)(
            actor=user,
            purpose=metadata.get("purpose", UploadPurpose.IMAGE),
            filename=metadata.get("filename", "file"),
            size_bytes=number_in(headers, "upload-length"),
            relative_path=metadata.get("relativePath", ""),
        )
        if upload.size_bytes == 0:
            upload = await in_thread(uploads.complete_upload)(upload=upload, sha256=None)
        location = f"{scope.get('root_path', '')}{PREFIX}{upload.pk}"
        return 201, {"Location": location, **_progress(upload)}, b""

    async def _append(
        self, upload: Upload, headers: dict[str, str], receive: Receive
    ) -> tuple[int, dict[str, str], bytes]:
        if headers.get("content-type") != "application/offset+octet-stream":
            return 415, {}, b""
        if upload.status != UploadStatus.RECEIVING:
            raise Conflict(_("This upload is complete already."))
        offset, promise = number_in(headers, "upload-offset"), promise_in(headers)
        upload = await self._receive(upload, offset, receive, promise)
        if promise is not None and not promise.is_kept:
            words = {"error": _("The bytes came damaged. Send them again."), "code": "checksum"}
            told = {**_progress(upload), "Content-Type": "application/json"}
            return CHECKSUM_MISMATCH, told, json.dumps(words).encode()
        return 204, _progress(upload), b""

    async def _receive(
        self, upload: Upload, offset: int, receive: Receive, promise: Promise | None
    ) -> Upload:
        """Write what arrives behind `offset`; every byte that reached the disk is kept.

        Not so with a promise about the bytes: what it does not cover is dropped.
        """
        with _only_writer(uploads.partial_path(upload.pk)) as file:
            on_disk = file.tell()
            if offset != on_disk:
                raise Conflict(
                    _("The offset is %(here)s, not %(told)s. Ask again where to go on.")
                    % {"here": on_disk, "told": offset}
                )
            digest = self._take_hash(upload.pk, on_disk)
            before = digest.copy() if digest is not None and promise is not None else None
            digests = [found for found in (digest, promise and promise.digest) if found]
            try:
                await _copy_body(receive, file, offset, upload.size_bytes, digests)
            finally:
                if promise is not None and not promise.is_kept:
                    os.ftruncate(file.fileno(), on_disk)
                    digest = before
                offset = os.fstat(file.fileno()).st_size
                await in_thread(uploads.advance_upload)(upload=upload, offset_bytes=offset)
        if offset < upload.size_bytes:
            self._keep_hash(upload.pk, offset, digest)
            return upload
        sha256 = digest.hexdigest() if digest is not None else None
        done: Upload = await in_thread(uploads.complete_upload)(upload=upload, sha256=sha256)
        return done

    def _take_hash(self, upload_id: uuid.UUID, offset: int) -> Any:
        """The running SHA-256 up to `offset`, or None when this process has not seen the start."""
        if offset == 0:
            return hashlib.sha256()
        kept_offset, digest = self._hashes.pop(upload_id, (-1, None))
        return digest if kept_offset == offset else None

    def _keep_hash(self, upload_id: uuid.UUID, offset: int, digest: Any) -> None:
        if digest is None:
            return
        self._hashes[upload_id] = (offset, digest)
        while len(self._hashes) > HASHES_KEPT:
            self._hashes.popitem(last=False)


async def _copy_body(
    receive: Receive, file: BinaryIO, offset: int, size_bytes: int, digests: list[Any]
) -> int:
    """Copy the body in lots of 4 MiB, each written and hashed while the next arrives.

    The pieces of a lot are as the server gave them: joining them would copy every byte twice more.
    The disk takes its part on the way, so that little of a large file is left to wait for.
    """
    lot: list[bytes] = []
    waiting: asyncio.Future[None] | None = None
    disk = _OnTheWayToDisk(file)
    lot_bytes, more = 0, True
    try:
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            body, more = message.get("body", b""), message.get("more_body", False)
            if offset + lot_bytes + len(body) > size_bytes:
                raise TooLarge(_("More bytes were sent than the upload announced."))
            lot.append(body)
            lot_bytes += len(body)
            if lot_bytes >= WRITE_BYTES:
                if waiting is not None:
                    await asyncio.shield(waiting)
                disk.reached(offset)
                waiting = asyncio.ensure_future(_keep(file, lot, digests))
                offset, lot, lot_bytes = offset + lot_bytes, [], 0
    finally:  # whatever ended it, threads that write are waited for
        try:
            if waiting is not None:
                await waiting
            if lot:
                await _keep(file, lot, digests)
        finally:
            await disk.rest()
    return offset + lot_bytes


class _OnTheWayToDisk:
    """Has the system write what it holds of a file, one lot at a time, while more arrives.

    The system tells of a lost write once, and not which: what came since the last good one goes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._safe = self._asked = os.fstat(file.fileno()).st_size
        self._flushing: asyncio.Future[None] | None = None

    def reached(self, offset: int) -> None:
        """Note that the system was given everything before `offset`. Raises OSError."""
        if self._flushing is not None and self._flushing.done():
            self._flushing.result()
            self._safe, self._flushing = self._asked, None
        if self._flushing is None and offset - self._asked >= FLUSH_BYTES:
            self._asked = offset
            flushed = asyncio.to_thread(FLUSH, self._file.fileno())
            self._flushing = asyncio.ensure_future(flushed)

    async def rest(self) -> None:
        """Wait for what was begun: the file may be closed then. Raises OSError for a bad disk."""
        if self._flushing is None:
            return
        try:
            await self._flushing
        except OSError:
            os.ftruncate(self._file.fileno(), self._safe)
            raise


async def _keep(file: BinaryIO, lot: list[bytes], digests: list[Any]) -> None:
    """Append to the file and to the digests, each in a thread of its own."""
    hashed = (asyncio.to_thread(_hash, digest, lot) for digest in digests)
    await asyncio.gather(asyncio.to_thread(_write, file, lot), *hashed)


def _hash(digest: Any, lot: list[bytes]) -> None:
    for piece in lot:
        digest.update(piece)


def _write(file: BinaryIO, lot: list[bytes]) -> None:
    """Append to the file; `writev` may take less than it is given."""
    views = [memoryview(piece) for piece in lot if piece]
    while views:
        written = os.writev(file.fileno(), _at_once(views))
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if written:
            views[0] = views[0][written:]


def _at_once(views: list[memoryview]) -> list[memoryview]:
    """The first of them, `COPY_BYTES` together."""
    chosen, room = [], COPY_BYTES
    for view in views[:MAX_VECTORS]:
        chosen.append(view[:room])
        room -= len(chosen[-1])
        if not room:
            break
    return chosen


@contextmanager
def _only_writer(path: Path) -> Iterator[BinaryIO]:
    """The partial file, open at its end and locked against writers in every process."""
    try:
        file = path.open("ab", buffering=0)
    except FileNotFoundError as error:
        raise NotFound(_("There is no such upload. It may have expired; send it again.")) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(_("This upload is being written already.")) from error
        file.seek(0, os.SEEK_END)
        yield file


@in_thread
def _find(user: AbstractBaseUser, path: str) -> Upload:
    try:
        upload_id = uuid.UUID(path.removeprefix(PREFIX).strip("/"))
    except ValueError as error:
        raise NotFound(_("There is no such upload.")) from error
    return uploads.find_upload(actor=user, upload_id=upload_id)


def _progress(upload: Upload) -> dict[str, str]:
    offset = upload.offset_bytes
    if upload.status == UploadStatus.RECEIVING:
        path = uploads.partial_path(upload.pk)
        offset = path.stat().st_size if path.exists() else 0
    return {
        "Upload-Offset": str(offset),
        "Upload-Length": str(upload.size_bytes),
        "Upload-Expires": format_datetime(upload.expires_at.astimezone(UTC), usegmt=True),
    }
