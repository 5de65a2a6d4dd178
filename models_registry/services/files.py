"""Files of a version: added by hand, by upload or by a training run; looked at in the background.

Stages: sealed (the blob exists) → hashed → scanned → metadata read. `process_file` does the last
three in one go and may run any number of times.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, Gone, Invalid, NotAllowed
from hub.core.tasks import TaskName, enqueue_on_commit
from hub.storage.models import Blob, UploadPurpose
from hub.storage.uploads import consume_upload
from models_registry.models.file import FileKind, ModelFile, ScanStatus, SizeKind
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model, Status
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_edit_version
from models_registry.scanning.inspection import Inspection, inspect_file
from models_registry.scanning.local_copy import readable_path
from models_registry.services.cards import card_edit
from models_registry.services.columns import check_choice
from models_registry.services.counters import refresh_facts
from models_registry.services.findings import fill_row
from models_registry.services.names import clean_file_name
from models_registry.services.suggestions import fill_empty_fields, suggest_from_header

logger = logging.getLogger(__name__)

MAX_FILES = 50
WAITING_AFTER = timedelta(minutes=10)
WAITING_BATCH = 100


def add_file(
    *,
    actor: User,
    version: ModelVersion,
    blob: Blob | None = None,
    upload_id: UUID | None = None,
    name: str = "",
    kind: str = FileKind.MODEL,
    is_primary: bool = True,
    size_kind: str = "",
) -> ModelFile:
    """Put stored bytes into a version and have them looked at; the same bytes twice are one file.

    Give either a blob or the id of the actor's complete upload. The first file of a version is its
    primary one whatever is asked.
    """
    _require_edit(actor, version)
    check_choice(kind, FileKind.values)
    check_choice(size_kind, ["", *SizeKind.values])
    with transaction.atomic():
        locked = ModelVersion.objects.select_for_update().get(pk=version.pk)
        if locked.is_tombstone:
            raise Conflict(
                _("The files of this version were deleted for good. Add a new version."),
                code="files_deleted",
            )
        sealed, sent_name = _sealed_blob(actor, blob, upload_id)
        present = version.files.filter(blob=sealed).first()
        if present is not None:
            return present
        primary = _place(version, wanted=is_primary)
        file = ModelFile.objects.create(
            version=version,
            blob=sealed,
            uploaded_by=actor,
            name=clean_file_name(name or sent_name),
            kind=kind,
            is_primary=primary,
            size_kind=size_kind,
        )
        audit.record(actor=actor, action="file.add", target=file, detail={"sha256": sealed.sha256})
        enqueue_on_commit(TaskName.REGISTRY_PROCESS_FILE, file_id=file.pk)
    return file


def process_file(*, file_id: int) -> ModelFile | None:
    """Hash, scan and read a file and write down what was found; None when it was removed.

    Idempotent: the rows of an earlier run are replaced. Bytes that the store lost leave the file
    uncleared with that reason.
    """
    file = ModelFile.objects.select_related("blob").filter(pk=file_id).first()
    if file is None:
        return None
    try:
        with readable_path(file.blob) as path:
            inspection = inspect_file(path, kind=file.kind)
    except Gone as error:
        return _write_lost(file_id, error.message)
    if inspection.hashes.sha256.lower() != file.blob.sha256:
        logger.error("stored bytes of blob %s do not match its name", file.blob_id)
        return _write_lost(file_id, _("The stored bytes are damaged. Upload the file again."))
    return _write_findings(file_id, inspection)


def enqueue_waiting_files(*, now: datetime) -> int:
    """Ask again for files that nobody looked at: a wake-up may be lost, the row is not."""
    waiting = ModelFile.objects.filter(
        scan_status=ScanStatus.PENDING, created_at__lt=now - WAITING_AFTER
    ).order_by("created_at", "pk")
    ids = list(waiting.values_list("pk", flat=True)[:WAITING_BATCH])
    for file_id in ids:
        enqueue_on_commit(TaskName.REGISTRY_PROCESS_FILE, file_id=file_id)
    return len(ids)


def rescan_file(*, actor: User, file: ModelFile) -> None:
    """Look at the bytes again, for example after the scanner learned something new."""
    _require_edit(actor, file.version)
    with transaction.atomic():
        ModelFile.objects.filter(pk=file.pk).update(
            scan_status=ScanStatus.PENDING, scan_message="", scanned_at=None
        )
        audit.record(actor=actor, action="file.rescan", target=file)
        refresh_facts(model_id=file.version.model_id)
        enqueue_on_commit(TaskName.REGISTRY_PROCESS_FILE, file_id=file.pk)


def make_primary(*, actor: User, file: ModelFile) -> ModelFile:
    """Make this the file that a plain download gives."""
    _require_edit(actor, file.version)
    with transaction.atomic():
        ModelVersion.objects.select_for_update().get(pk=file.version_id)
        ModelFile.objects.filter(version_id=file.version_id, is_primary=True).update(
            is_primary=False
        )
        file.is_primary = True
        file.save(update_fields=["is_primary", "updated_at"])
        audit.record(actor=actor, action="file.make_primary", target=file)
    return file


def remove_file(*, actor: User, file: ModelFile) -> None:
    """Take a file out of its version; the bytes go with the garbage collector's grace period."""
    version = file.version
    _require_edit(actor, version)
    with transaction.atomic():
        ModelVersion.objects.select_for_update().get(pk=version.pk)
        others = version.files.exclude(pk=file.pk).order_by("pk")
        if version.status == Status.PUBLISHED and not others.exists():
            raise Conflict(
                _("A published version needs a file. Unpublish it before you remove the last one."),
                code="last_file",
            )
        audit.record(
            actor=actor, action="file.remove", target=file, detail={"sha256": file.blob.sha256}
        )
        was_primary = file.is_primary
        file.delete()
        if was_primary and (heir := others.first()) is not None:
            ModelFile.objects.filter(pk=heir.pk).update(is_primary=True)
        refresh_facts(model_id=version.model_id)


def _place(version: ModelVersion, *, wanted: bool) -> bool:
    """Make room for one more file; returns whether it becomes the primary one."""
    others = version.files.count()
    if others >= MAX_FILES:
        raise Conflict(_("A version holds at most %s files.") % MAX_FILES, code="too_many_files")
    primary = wanted or not others
    if primary:
        version.files.filter(is_primary=True).update(is_primary=False)
    return primary


def _sealed_blob(actor: User, blob: Blob | None, upload_id: UUID | None) -> tuple[Blob, str]:
    if blob is not None and upload_id is None:
        return blob, blob.sha256[:12]
    if blob is not None or upload_id is None:
        raise Invalid(_("Give either stored bytes or an upload."), code="file_source")
    upload = consume_upload(actor=actor, upload_id=upload_id, purpose=UploadPurpose.MODEL_FILE)
    if upload.blob is None:
        raise Conflict(_("The upload is not complete yet."))
    return upload.blob, upload.filename


def _write_findings(file_id: int, inspection: Inspection) -> ModelFile | None:
    try:
        with transaction.atomic():
            file = _lock_file(file_id)
            if file is None:
                return None
            fill_row(file, inspection)
            file.save()
            file.hashes.all().delete()
            ModelFileHash.objects.bulk_create(
                ModelFileHash(file=file, kind=kind.value, value=value)
                for kind, value in inspection.hashes.as_mapping().items()
            )
            if inspection.header is not None and inspection.guess is not None:
                found = suggest_from_header(inspection.header, inspection.guess)
                with card_edit(actor=None, model_id=file.version.model_id):
                    fill_empty_fields(version_id=file.version_id, suggestions=found)
            refresh_facts(model_id=file.version.model_id)
    except IntegrityError:
        # The version went while we were reading; a removed file needs no findings.
        if ModelFile.objects.filter(pk=file_id).exists():
            raise
        return None
    return file


def _write_lost(file_id: int, message: str) -> ModelFile | None:
    with transaction.atomic():
        file = _lock_file(file_id)
        if file is None:
            return None
        file.scan_status = ScanStatus.ERROR
        file.scan_message = message
        file.scan_report = {}
        file.scanned_at = timezone.now()
        file.save()
        refresh_facts(model_id=file.version.model_id)
    return file


def _lock_file(file_id: int) -> ModelFile | None:
    """Lock model, then file: the order of every service here."""
    known = ModelFile.objects.select_related("version").filter(pk=file_id).first()
    if known is None:
        return None
    Model.objects.select_for_update().get(pk=known.version.model_id)
    return (
        ModelFile.objects.select_for_update(of=("self",))
        .select_related("version", "blob")
        .filter(pk=file_id)
        .first()
    )


def _require_edit(actor: User, version: ModelVersion) -> None:
    if not can_edit_version(actor, version):
        raise NotAllowed(_("Only the people of this model can change its files."))
