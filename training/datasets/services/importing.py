"""Bringing pictures and captions into a dataset, with a report that names every file."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from hub.accounts.models import Team, User
from hub.accounts.queries import works_in
from hub.core import audit
from hub.core.errors import Conflict, Invalid, NotAllowed
from hub.core.sole_work import sole_work_on
from hub.core.tasks import TaskName, enqueue_on_commit
from hub.formats.detection import FileType, detect_type
from hub.formats.errors import ArchiveError
from hub.storage.blobs import open_blob
from hub.storage.models import Blob, Upload, UploadPurpose
from hub.storage.uploads import consume_upload, let_go
from training.datasets.models.dataset import (
    MAX_NAME_CHARACTERS,
    MAX_RESOLUTION,
    MIN_RESOLUTION,
    Dataset,
    Kind,
)
from training.datasets.models.importing import DatasetImport, ImportStatus
from training.datasets.permissions import require_edit
from training.datasets.queries import ImportReport, import_report
from training.datasets.services.intake import Intake
from training.datasets.sources import (
    ImportLimits,
    SourceFile,
    archive_files,
    folder_files,
    single_file,
)

logger = logging.getLogger(__name__)

OPEN = (ImportStatus.WAITING, ImportStatus.READING)
RESUME_AFTER = timedelta(minutes=2)


RESERVED_SLUGS = frozenset({"new"})  # it is a page


def create_dataset(
    *,
    actor: User,
    team: Team,
    name: str,
    kind: str = Kind.CHARACTER,
    trigger_word: str = "",
    class_prompt: str = "",
    resolution: int = 512,
) -> Dataset:
    """A new, empty dataset of a team; its pictures are checked against `resolution` in pixels."""
    name = " ".join(name.split())
    if not works_in(actor, team) and not actor.is_superuser:
        raise NotAllowed(_("Only members of the team can make a dataset for it."))
    check_details(name=name, kind=kind, resolution=resolution)
    with transaction.atomic():
        dataset = Dataset.objects.create(
            team=team,
            owner=actor,
            name=name,
            slug=_free_slug(name),
            kind=kind,
            trigger_word=" ".join(trigger_word.split()),
            class_prompt=class_prompt.strip(),
            resolution=resolution,
        )
        audit.record(actor=actor, action="dataset.create", target=dataset)
    return dataset


def check_details(*, name: str, kind: str, resolution: int) -> None:
    """Raise Invalid unless a dataset may have these details."""
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise Invalid(_("A dataset needs a name of at most %s characters.") % MAX_NAME_CHARACTERS)
    if kind not in Kind.values:
        raise Invalid(_("The kind of a dataset is one of: %s.") % ", ".join(Kind.values))
    if not MIN_RESOLUTION <= resolution <= MAX_RESOLUTION:
        raise Invalid(
            _("The resolution is a number of pixels from %(least)s to %(most)s.")
            % {"least": MIN_RESOLUTION, "most": MAX_RESOLUTION}
        )


def start_import(*, actor: User, dataset: Dataset, upload_id: UUID) -> DatasetImport:
    """Take a complete upload for the dataset and read it in the background.

    Sent again for the same upload, it returns the import that is there.
    """
    require_edit(actor, dataset)
    with transaction.atomic():
        Dataset.objects.select_for_update().get(pk=dataset.pk)
        known = DatasetImport.objects.filter(dataset=dataset, upload_id=upload_id).first()
        if known is not None:
            return known
        upload = consume_upload(actor=actor, upload_id=upload_id, purpose=UploadPurpose.DATASET)
        batch = DatasetImport.objects.create(
            dataset=dataset, upload_id=upload.pk, actor=actor, filename=_shown_name(upload)
        )
        enqueue_on_commit(
            TaskName.DATASETS_IMPORT, dataset_id=str(dataset.pk), upload_id=str(upload.pk)
        )
    return batch


def import_upload(*, dataset_id: UUID, upload_id: UUID) -> ImportReport | None:
    """Read an upload that `start_import` took; run again, it goes on where it stopped.

    Each file is its own transaction, so that a killed worker loses none and repeats none. When the
    dataset went away in between, the upload is let go; None when even its row is gone.
    """
    found = DatasetImport.objects.select_related("dataset", "actor")
    batch = found.filter(dataset_id=dataset_id, upload_id=upload_id).first()
    if batch is None or batch.dataset.deleted_at is not None:
        return _end_without_dataset(batch, dataset_id=dataset_id, upload_id=upload_id)
    with sole_work_on(f"import:{batch.pk}") as is_alone:
        if is_alone and batch.status in OPEN:
            blob = Upload.objects.select_related("blob").get(pk=upload_id).blob
            if blob is None:
                raise Conflict(_("The upload has no bytes. Send the file again."))
            _set_status(batch, ImportStatus.READING)
            _read_upload(batch, blob)
    return import_report(batch)


def resume_imports() -> int:
    """Ask again for imports whose wake-up or worker was lost; returns how many.

    One that is being read notices that it is not alone and does nothing.
    """
    late = timezone.now() - RESUME_AFTER
    waiting = DatasetImport.objects.filter(
        status__in=OPEN, created_at__lt=late, upload_id__isnull=False
    )
    for dataset_id, upload_id in waiting.values_list("dataset_id", "upload_id"):
        enqueue_on_commit(
            TaskName.DATASETS_IMPORT, dataset_id=str(dataset_id), upload_id=str(upload_id)
        )
    return len(waiting)


def import_folder(*, actor: User, dataset: Dataset, folder: Path) -> ImportReport:
    """Bring every file below a folder of this machine into the dataset, at once."""
    require_edit(actor, dataset)
    batch = DatasetImport.objects.create(
        dataset=dataset, actor=actor, filename=folder.name, status=ImportStatus.READING
    )
    _take_all(batch, folder_files(folder, limits_now()))
    return import_report(batch)


def limits_now() -> ImportLimits:
    """The limits of the settings."""
    return ImportLimits(
        max_members=settings.ARCHIVE_MAX_MEMBERS,
        max_total_bytes=settings.ARCHIVE_MAX_BYTES,
        max_ratio=settings.ARCHIVE_MAX_RATIO,
        max_file_bytes=settings.IMAGE_MAX_BYTES,
    )


def _end_without_dataset(
    batch: DatasetImport | None, *, dataset_id: UUID, upload_id: UUID
) -> ImportReport | None:
    """Nobody waits for this import any more: free the upload, close the record if there is one."""
    logger.info("upload %s is not read: its dataset %s was deleted", upload_id, dataset_id)
    let_go(upload_id=upload_id)
    if batch is None:
        return None
    if batch.status in OPEN:
        message = _("The dataset was deleted before this file was read.")
        _set_status(batch, ImportStatus.FAILED, code="dataset_deleted", message=message)
    return import_report(batch)


def _read_upload(batch: DatasetImport, blob: Blob) -> None:
    limits = limits_now()
    with open_blob(blob) as stream:
        if detect_type(stream) not in (FileType.ZIP, FileType.TORCH_ZIP):
            _take_all(batch, [single_file(batch.filename, lambda: open_blob(blob), limits)])
            return
        _read_archive(batch, stream, limits)


def _read_archive(batch: DatasetImport, stream: BinaryIO, limits: ImportLimits) -> None:
    try:
        with archive_files(stream, limits) as files:
            _take_all(batch, files)
    except ArchiveError as error:
        _set_status(batch, ImportStatus.FAILED, code=error.code, message=str(error))


def _take_all(batch: DatasetImport, files: Iterable[SourceFile]) -> None:
    Intake(batch).take_all(files)
    _set_status(batch, ImportStatus.DONE)


def _set_status(
    batch: DatasetImport, status: ImportStatus, *, code: str = "", message: str = ""
) -> None:
    batch.status, batch.error_code, batch.error_message = status, code, message
    batch.finished_at = None if status in OPEN else timezone.now()
    batch.save(update_fields=["status", "error_code", "error_message", "finished_at"])


def _shown_name(upload: Upload) -> str:
    """The name with its folder, where the browser sent one, so that pairs and repeats are found."""
    relative = upload.metadata.get("relativePath") or upload.metadata.get("relative_path") or ""
    return str(relative if 0 < len(relative) <= 255 else upload.filename)


def _free_slug(name: str) -> str:
    base = slugify(name, allow_unicode=False)[:100] or f"dataset-{secrets.token_hex(3)}"
    if base not in RESERVED_SLUGS and not Dataset.objects.filter(slug=base).exists():
        return base
    return f"{base}-{secrets.token_hex(3)}"
