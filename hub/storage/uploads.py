"""Services of resumable uploads. The wire protocol is in tus.py."""

import shutil
import uuid
from datetime import timedelta
from pathlib import Path, PurePath

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.core.errors import Conflict, Invalid, NotFound, QuotaExceeded, TooLarge
from hub.core.sizes import size_beside_limit, size_text
from hub.storage.blobs import store_path
from hub.storage.models import Blob, Upload, UploadPurpose, UploadStatus

UNKNOWN_TYPE = "application/octet-stream"
OPEN_STATES = (UploadStatus.RECEIVING, UploadStatus.COMPLETE)
DISK_RESERVE_BYTES = 64 * 1024 * 1024


def begin_upload(
    *,
    actor: AbstractBaseUser,
    purpose: str,
    filename: str,
    size_bytes: int,
    relative_path: str = "",
    is_on_disk: bool = False,
) -> Upload:
    """Make room for a file; raises TooLarge or QuotaExceeded before a byte is sent.

    `relative_path` is kept as text for whoever pairs files by folder; it never becomes a path.
    Bytes that lie on this disk already (`is_on_disk`) only have to be the person's, not to fit.
    """
    if purpose not in UploadPurpose.values:
        raise Invalid(
            _("The purpose of an upload is one of: %s.") % ", ".join(UploadPurpose.values)
        )
    if size_bytes < 0:
        raise Invalid(_("The size of an upload is a number of bytes, 0 or more."))
    limit = max_bytes_for(purpose)
    if size_bytes > limit:
        raise TooLarge(
            _("This file has %(size)s; the limit is %(limit)s.")
            % size_beside_limit(size_bytes, limit)
        )
    _check_quota(actor, size_bytes)
    if not is_on_disk:
        check_disk(size_bytes)
    upload = Upload.objects.create(
        owner_id=actor.pk,
        purpose=purpose,
        filename=clean_filename(filename),
        size_bytes=size_bytes,
        metadata={"relativePath": relative_path} if relative_path else {},
        expires_at=timezone.now() + timedelta(hours=settings.UPLOAD_EXPIRES_HOURS),
    )
    partial_path(upload.pk).touch()
    return upload


def max_bytes_for(purpose: str) -> int:
    """The size limit of one file of this purpose, in bytes."""
    if purpose == UploadPurpose.IMAGE:
        return int(settings.IMAGE_MAX_BYTES)
    return int(settings.UPLOAD_MAX_BYTES)


def find_upload(*, actor: AbstractBaseUser, upload_id: uuid.UUID) -> Upload:
    """The actor's own live upload; NotFound for anybody else's."""
    upload = Upload.objects.filter(pk=upload_id, owner_id=actor.pk).first()
    if upload is None or upload.status == UploadStatus.FAILED:
        raise NotFound(_("There is no such upload. It may have expired; send the file again."))
    return upload


def advance_upload(*, upload: Upload, offset_bytes: int) -> Upload:
    """Note how many bytes have arrived and are on disk."""
    upload.offset_bytes = offset_bytes
    upload.save(update_fields=["offset_bytes"])
    return upload


def complete_upload(*, upload: Upload, sha256: str | None) -> Upload:
    """All bytes are here: move them into the store. Twice is the same as once."""
    if upload.status != UploadStatus.RECEIVING:
        return upload
    path = partial_path(upload.pk)
    if path.stat().st_size != upload.size_bytes:
        raise Conflict(_("The upload is not complete yet."))
    blob = store_path(path, content_type=UNKNOWN_TYPE, sha256=sha256, move=True)
    Upload.objects.filter(pk=upload.pk, status=UploadStatus.RECEIVING).update(
        status=UploadStatus.COMPLETE,
        blob=blob,
        sha256=blob.sha256,
        offset_bytes=upload.size_bytes,
    )
    upload.refresh_from_db()
    return upload


def consume_upload(*, actor: AbstractBaseUser, upload_id: uuid.UUID, purpose: str) -> Upload:
    """Take a complete upload for use, once, in the transaction of the thing made of it."""
    with transaction.atomic():
        upload = (
            Upload.objects.select_for_update(of=("self",))
            .select_related("blob")
            .filter(pk=upload_id, owner_id=actor.pk, purpose=purpose)
            .first()
        )
        if upload is None or upload.status == UploadStatus.FAILED:
            raise NotFound(_("There is no such upload. It may have expired; send the file again."))
        if upload.status == UploadStatus.RECEIVING and _has_all_bytes(upload):
            upload = complete_upload(upload=upload, sha256=None)
        if upload.status == UploadStatus.RECEIVING:
            raise Conflict(_("The upload is not complete yet."))
        if upload.status == UploadStatus.CONSUMED:
            raise Conflict(_("This upload was used already."))
        upload.status = UploadStatus.CONSUMED
        upload.save(update_fields=["status"])
    return upload


def discard_upload(*, upload: Upload) -> None:
    """Drop an upload and its bytes so far; the blob of a complete one is left to the collector."""
    Upload.objects.filter(pk=upload.pk, status__in=OPEN_STATES).update(
        status=UploadStatus.FAILED, blob=None
    )
    partial_path(upload.pk).unlink(missing_ok=True)


def let_go(*, upload_id: uuid.UUID) -> None:
    """The use of a taken upload is over: its bytes are left to the collector. Twice is as once."""
    used = Upload.objects.filter(pk=upload_id, status=UploadStatus.CONSUMED)
    used.update(blob=None)


def expire_uploads() -> int:
    """Drop every unused upload whose time is over, let the blobs of used ones go; how many."""
    over = Upload.objects.filter(expires_at__lt=timezone.now())
    over.filter(status=UploadStatus.CONSUMED, blob__isnull=False).update(blob=None)
    expired = over.exclude(status=UploadStatus.CONSUMED)
    count = 0
    for upload in expired.iterator():
        partial_path(upload.pk).unlink(missing_ok=True)
        upload.delete()
        count += 1
    return count


def partial_path(upload_id: uuid.UUID) -> Path:
    """Where the bytes of an upload lie while they arrive."""
    folder = Path(settings.ATELIER_HOME) / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / upload_id.hex


def clean_filename(name: str) -> str:
    """The last part of whatever path was sent, without control characters; never empty."""
    last = PurePath(name.replace("\\", "/")).name
    kept = "".join(character for character in last if character.isprintable())
    return kept.strip()[:255] or "file"


def used_bytes(actor: AbstractBaseUser) -> int:
    """Bytes that the person is sending now, and brought before and are still kept."""
    mine = Upload.objects.filter(owner_id=actor.pk)
    coming = mine.filter(status=UploadStatus.RECEIVING).aggregate(total=Sum("size_bytes"))
    brought = mine.exclude(sha256="").values("sha256")
    kept = Blob.objects.filter(sha256__in=brought).aggregate(total=Sum("size_bytes"))
    return int(coming["total"] or 0) + int(kept["total"] or 0)


def _has_all_bytes(upload: Upload) -> bool:
    """Whether only the last step is missing, since the process died just before it."""
    path = partial_path(upload.pk)
    return path.exists() and path.stat().st_size == upload.size_bytes


def _check_quota(actor: AbstractBaseUser, size_bytes: int) -> None:
    if used_bytes(actor) + size_bytes > settings.USER_QUOTA_BYTES:
        raise QuotaExceeded(
            _("Your space of %s is used up. Delete something or ask the administrator.")
            % size_text(settings.USER_QUOTA_BYTES)
        )


def check_disk(size_bytes: int) -> None:
    """Raises QuotaExceeded unless so many bytes more fit on the disk, beside the reserve."""
    home = Path(settings.ATELIER_HOME)
    home.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(home).free < size_bytes + DISK_RESERVE_BYTES:
        raise QuotaExceeded(_("The disk of this hub is full. Ask the administrator to make room."))
