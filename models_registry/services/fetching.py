"""Fetching a file that somebody named by its address; what became of it stands in its row.

The bytes so far lie in a file named by the id, so that a killed worker, a lost line or a cancelled
import loses none of them.
"""

import ipaddress
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import httpcore
from django.conf import settings
from django.db.models import F, Sum
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from hub.core.errors import AtelierError, QuotaExceeded, TooLarge
from hub.core.sizes import size_beside_limit, size_text
from hub.storage.models import UploadPurpose
from hub.storage.uploads import (
    begin_upload,
    check_disk,
    complete_upload,
    discard_upload,
    max_bytes_for,
    partial_path,
    used_bytes,
)
from models_registry.models.remote_import import RemoteImport, RemoteStatus
from models_registry.remote.address_guard import Pace
from models_registry.remote.fetching import RemoteFile, open_remote
from models_registry.services.names import clean_file_name

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
REPORT_SECONDS = 1.0


class Stopped(Exception):
    """Somebody cancelled the import, or another worker has it now."""


def fetch_import(*, import_id: UUID) -> None:
    """Fetch one import to its end, or as far as it goes; safe to call at any time.

    What may get better is tried again by the sweep, up to MAX_ATTEMPTS; the rest fails with its
    reason.
    """
    claimed = RemoteImport.objects.filter(pk=import_id, status=RemoteStatus.QUEUED).update(
        status=RemoteStatus.RUNNING, attempts=F("attempts") + 1, updated_at=timezone.now()
    )
    if not claimed:
        return
    row = RemoteImport.objects.select_related("owner").get(pk=import_id)
    with translation.override(row.language or settings.LANGUAGE_CODE):
        _fetch(row)


def _fetch(row: RemoteImport) -> None:
    try:
        _receive(row)
        _finish(row)
    except Stopped:
        return
    except AtelierError as error:
        _fail(row, error.message)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        logger.info("import %s stopped: %r", row.pk, error)
        _stop_for_now(row, _("The other side could not be reached or broke off. Try again later."))
    except OSError:
        logger.exception("import %s could not be written", row.pk)
        _stop_for_now(row, _("The disk of this hub did not take the file. Tell the administrator."))
    except Exception:  # else the sweep would ask for it again for ever
        logger.exception("import %s stopped", row.pk)
        _stop_for_now(
            row, _("This hub could not fetch the file. Try again later, or ask the administrator.")
        )


def received_path(import_id: UUID) -> Path:
    """Where the bytes of an import lie while they arrive."""
    folder = Path(settings.ATELIER_HOME) / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / import_id.hex


def _receive(row: RemoteImport) -> None:
    path = received_path(row.pk)
    have = path.stat().st_size if path.exists() and row.validator else 0
    allowed = [ipaddress.ip_network(text) for text in settings.IMPORT_PRIVATE_NETWORKS]
    if have and have == row.size_bytes:
        return
    pace = Pace(settings.IMPORT_MIN_BYTES_PER_SECOND)
    with open_remote(
        row.url, offset=have, validator=row.validator, allowed=allowed, pace=pace
    ) as found:
        remote, pieces = found
        if not remote.offset:  # before the row names this file: what lies here is of another
            path.unlink(missing_ok=True)
        _note(row, remote)
        _check_room(row, remote.size_bytes or 0)
        check_disk((remote.size_bytes or remote.offset) - remote.offset)
        with path.open("r+b" if remote.offset else "wb") as file:
            file.seek(remote.offset)
            file.truncate()
            received = remote.offset
            for size in _written(file, pieces, row):
                received += size
        if remote.size_bytes is not None and received != remote.size_bytes:
            raise httpcore.RemoteProtocolError("the line broke before the end")


def _written(file: BinaryIO, pieces: Iterator[bytes], row: RemoteImport) -> Iterator[int]:
    """Write piece by piece; about once a second the row hears how far it is."""
    told = time.monotonic()
    for piece in pieces:
        if row.size_bytes is not None and file.tell() + len(piece) > row.size_bytes:
            raise httpcore.RemoteProtocolError("more than was told")
        file.write(piece)
        yield len(piece)
        received = file.tell()
        _check_limit(received)
        if time.monotonic() - told >= REPORT_SECONDS:
            told = time.monotonic()
            _check_room(row, received)
            check_disk(0)
            _keep(row, received_bytes=received)


def _finish(row: RemoteImport) -> None:
    """Make an upload of the file: from here on it is like one that was sent by hand."""
    path = received_path(row.pk)
    size = path.stat().st_size
    _keep(row, received_bytes=size, size_bytes=size)
    upload = begin_upload(
        actor=row.owner,
        purpose=UploadPurpose.MODEL_FILE,
        filename=row.filename,
        size_bytes=size,
        is_on_disk=True,
    )
    path.replace(partial_path(upload.pk))
    complete_upload(upload=upload, sha256=None)
    done = RemoteImport.objects.filter(pk=row.pk, status=RemoteStatus.RUNNING).update(
        status=RemoteStatus.SUCCEEDED, upload_uuid=upload.pk, updated_at=timezone.now()
    )
    if not done:
        discard_upload(upload=upload)


def _note(row: RemoteImport, remote: RemoteFile) -> None:
    row.filename = clean_file_name(remote.filename)
    row.size_bytes, row.validator = remote.size_bytes, remote.validator
    _keep(
        row,
        filename=row.filename,
        size_bytes=remote.size_bytes,
        validator=remote.validator,
        received_bytes=remote.offset,
    )


def _check_room(row: RemoteImport, size: int) -> None:
    """Of this import so far, with what lies here of others that were stopped and not given up."""
    _check_limit(size)
    others = RemoteImport.objects.filter(owner=row.owner).exclude(pk=row.pk)
    lying = others.exclude(status=RemoteStatus.SUCCEEDED).aggregate(total=Sum("received_bytes"))
    if used_bytes(row.owner) + int(lying["total"] or 0) + size > settings.USER_QUOTA_BYTES:
        raise QuotaExceeded(
            _("Your space of %s is used up. Delete something or ask the administrator.")
            % size_text(settings.USER_QUOTA_BYTES)
        )


def _check_limit(size: int) -> None:
    limit = min(settings.IMPORT_MAX_BYTES, max_bytes_for(UploadPurpose.MODEL_FILE))
    if size > limit:
        raise TooLarge(
            _("This file has %(size)s; the limit is %(limit)s.") % size_beside_limit(size, limit)
        )


def _keep(row: RemoteImport, **columns: object) -> None:
    """Write progress while the import is still ours; raises Stopped when it is not."""
    running = RemoteImport.objects.filter(pk=row.pk, status=RemoteStatus.RUNNING)
    if not running.update(**columns, updated_at=timezone.now()):
        raise Stopped


def _stop_for_now(row: RemoteImport, reason: str) -> None:
    path = received_path(row.pk)
    received = path.stat().st_size if path.exists() else 0
    if row.attempts < MAX_ATTEMPTS:
        running = RemoteImport.objects.filter(pk=row.pk, status=RemoteStatus.RUNNING)
        running.update(
            status=RemoteStatus.QUEUED, received_bytes=received, updated_at=timezone.now()
        )
        return
    _fail(row, reason)


def _fail(row: RemoteImport, message: str) -> None:
    RemoteImport.objects.filter(pk=row.pk, status=RemoteStatus.RUNNING).update(
        status=RemoteStatus.FAILED, failure=message, updated_at=timezone.now()
    )
