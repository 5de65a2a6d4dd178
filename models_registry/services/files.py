"""Files of a version: added by hand, by upload or by a training run; looked at in the background.

The stages that a file goes through are in services.ingest.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, Gone, Invalid, NotAllowed
from hub.core.tasks import TaskName, enqueue_on_commit
from hub.storage.models import Blob, UploadPurpose
from hub.storage.uploads import consume_upload
from models_registry.models.file import FileKind, FileStage, ModelFile, ScanStatus, SizeKind
from models_registry.models.model import PUBLIC_STATES
from models_registry.models.version import ModelVersion
from models_registry.permissions import can_edit_version
from models_registry.scanning.clamav import ScannerAway
from models_registry.scanning.local_copy import readable_path
from models_registry.services.columns import check_choice
from models_registry.services.counters import refresh_facts
from models_registry.services.download import MAIN_KINDS
from models_registry.services.ingest import note_lost, note_waiting, pass_stages
from models_registry.services.names import clean_file_name
from models_registry.services.publish import AUXILIARY_KINDS

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
    is_primary: bool | None = None,
    size_kind: str = "",
) -> ModelFile:
    """Put stored bytes into a version and have them looked at; the same bytes twice are one file.

    Give either a blob or the id of the actor's complete upload. The first file of a version is its
    primary one whatever is asked; without a wish, a newer one is if it holds the model itself.
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
        wanted = kind in MAIN_KINDS if is_primary is None else is_primary
        primary = _place(version, wanted=wanted)
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
    """Take a file through the stages that it has not passed yet; None when it was removed.

    Safe to run at any time and any number of times. While a virus scanner that is configured does
    not answer, the file stays PENDING for the next sweep. Bytes that the store lost or damaged
    leave it uncleared with that reason.
    """
    file = ModelFile.objects.select_related("blob").filter(pk=file_id).first()
    if file is None:
        return None
    try:
        with readable_path(file.blob) as path:
            return pass_stages(file, path)
    except Gone as error:
        return note_lost(file_id, error.message)
    except ScannerAway as error:
        return note_waiting(file_id, str(error))


def enqueue_waiting_files(*, now: datetime) -> int:
    """Ask again for files that are not ready: a wake-up may be lost, the row is not."""
    waiting = (
        ModelFile.objects.exclude(stage=FileStage.READY)
        .exclude(stage=FileStage.SEALED, scan_status=ScanStatus.ERROR)  # its bytes are lost
        .filter(created_at__lt=now - WAITING_AFTER)
        .order_by("created_at", "pk")
    )
    ids = list(waiting.values_list("pk", flat=True)[:WAITING_BATCH])
    for file_id in ids:
        enqueue_on_commit(TaskName.REGISTRY_PROCESS_FILE, file_id=file_id)
    return len(ids)


def rescan_file(*, actor: User, file: ModelFile) -> None:
    """Look at the bytes again, for example after the scanner learned something new."""
    _require_edit(actor, file.version)
    with transaction.atomic():
        ModelFile.objects.filter(pk=file.pk).update(
            stage=FileStage.SEALED,
            scan_status=ScanStatus.PENDING,
            scan_message="",
            scan_report={},
            scanned_at=None,
        )
        audit.record(actor=actor, action="file.rescan", target=file)
        refresh_facts(model_id=file.version.model_id)
        enqueue_on_commit(TaskName.REGISTRY_PROCESS_FILE, file_id=file.pk)


def look_again(*, file_id: int) -> ModelFile | None:
    """Judge a file by the rules of now; its old verdict counts until the new one is there."""
    done = ModelFile.objects.filter(pk=file_id, stage=FileStage.READY)
    if not done.update(stage=FileStage.HASHED):
        return None  # it is under way already, or gone
    return process_file(file_id=file_id)


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
        has_main = others.exclude(kind__in=AUXILIARY_KINDS).exists()
        if version.status in PUBLIC_STATES and not has_main:
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


def _require_edit(actor: User, version: ModelVersion) -> None:
    if not can_edit_version(actor, version):
        raise NotAllowed(_("Only the people of this model can change its files."))
