"""From a pickle to safetensors: asked for by a person, done by a locked-down process on a worker.

The states are in models.conversion. The file that comes out is stored and looked at like any other.
"""

import logging
import tempfile
from datetime import datetime, timedelta
from pathlib import Path, PurePath

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import AtelierError, Conflict, NotAllowed
from hub.core.tasks import TaskName, enqueue_on_commit
from hub.formats.conversion.lockdown import Allowance
from hub.formats.conversion.problems import ConversionError
from hub.formats.conversion.running import ConversionLimits, convert_pickle
from hub.storage.blobs import scratch_folder, store_path
from models_registry.models.conversion import ConversionStatus, FileConversion
from models_registry.models.file import FileFormat, FileStage, ModelFile, ScanStatus
from models_registry.permissions import can_edit_version
from models_registry.scanning.inspection import header_limits
from models_registry.scanning.local_copy import readable_path
from models_registry.services.columns import asked_language
from models_registry.services.files import add_file

logger = logging.getLogger(__name__)

OCTETS = "application/octet-stream"
RETRY_AFTER = timedelta(minutes=1)
LOST_GRACE = timedelta(minutes=5)


def can_be_converted(file: ModelFile) -> bool:
    """A pickle that was looked at and would run nothing dangerous."""
    return (
        file.format == FileFormat.PICKLETENSOR
        and file.stage == FileStage.READY
        and file.scan_status in {ScanStatus.SUCCESS, ScanStatus.ERROR}
    )


def request_conversion(*, actor: User, file: ModelFile) -> FileConversion:
    """Have a pickle's weights written as safetensors beside it; once is enough.

    Raises NotAllowed, and Conflict for a file that cannot be converted or is already.
    """
    if not can_edit_version(actor, file.version):
        raise NotAllowed(_("Only the people of this model can change its files."))
    if not can_be_converted(file):
        raise Conflict(
            _("Only pickles that were checked and are not dangerous can be converted."),
            code="not_convertible",
        )
    with transaction.atomic():
        row, made = FileConversion.objects.select_for_update(of=("self",)).get_or_create(
            file=file, defaults={"requested_by": actor, "language": asked_language()}
        )
        if not made:
            _ask_again(row, actor)
        audit.record(actor=actor, action="file.convert", target=file)
        enqueue_on_commit(TaskName.REGISTRY_CONVERT_FILE, conversion_id=row.pk)
    return row


def run_conversion(*, conversion_id: int) -> None:
    """Convert one file if it waits for that; safe to call at any time."""
    claimed = FileConversion.objects.filter(
        pk=conversion_id, status=ConversionStatus.QUEUED
    ).update(status=ConversionStatus.RUNNING, updated_at=timezone.now())
    if not claimed:
        return
    row = FileConversion.objects.select_related(
        "file__blob", "file__version__model", "requested_by"
    ).get(pk=conversion_id)
    with translation.override(row.language or settings.LANGUAGE_CODE):
        try:
            _convert(row)
        except ConversionError as error:
            _fail(row, _(error.problem.message).format(**error.params))
        except AtelierError as error:
            _fail(row, error.message)


def resume_conversions(*, now: datetime) -> int:
    """Ask again for conversions whose worker or wake-up was lost."""
    longest = timedelta(seconds=settings.CONVERSION_TIMEOUT_SECONDS) + LOST_GRACE
    FileConversion.objects.filter(
        status=ConversionStatus.RUNNING, updated_at__lt=now - longest
    ).update(status=ConversionStatus.QUEUED)
    waiting = FileConversion.objects.filter(
        status=ConversionStatus.QUEUED, updated_at__lt=now - RETRY_AFTER
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    for conversion_id in ids:
        enqueue_on_commit(TaskName.REGISTRY_CONVERT_FILE, conversion_id=conversion_id)
    return len(ids)


def _ask_again(row: FileConversion, actor: User) -> None:
    again = Q(status=ConversionStatus.FAILED) | Q(
        status=ConversionStatus.SUCCEEDED, result__isnull=True
    )
    changed = FileConversion.objects.filter(again, pk=row.pk).update(
        status=ConversionStatus.QUEUED,
        requested_by=actor,
        failure="",
        language=asked_language(),
        updated_at=timezone.now(),
    )
    if not changed:
        raise Conflict(_("This file is converted already, or it is on its way."), code="stale")
    row.refresh_from_db()


def _convert(row: FileConversion) -> None:
    file, actor = row.file, row.requested_by
    if actor is None:
        raise NotAllowed(_("Whoever asked for this is gone."))
    with (
        tempfile.TemporaryDirectory(dir=scratch_folder()) as folder,
        readable_path(file.blob) as source,
    ):
        target = Path(folder) / "converted"
        about = {"atelier.converted_from_sha256": file.blob.sha256}
        convert_pickle(source, target, limits=_limits(), about=about)
        blob = store_path(target, content_type=OCTETS, move=True)
    with transaction.atomic():
        made = add_file(
            actor=actor,
            version=file.version,
            blob=blob,
            name=f"{PurePath(file.name).stem}.safetensors",
            kind=file.kind,
            size_kind=file.size_kind,
            is_primary=file.is_primary,
        )
        FileConversion.objects.filter(pk=row.pk, status=ConversionStatus.RUNNING).update(
            status=ConversionStatus.SUCCEEDED, result=made, updated_at=timezone.now()
        )


def _limits() -> ConversionLimits:
    return ConversionLimits(
        allowance=Allowance(
            memory_bytes=settings.CONVERSION_MEMORY_BYTES,
            cpu_seconds=settings.CONVERSION_CPU_SECONDS,
            output_bytes=settings.CONVERSION_OUTPUT_BYTES,
        ),
        timeout_seconds=settings.CONVERSION_TIMEOUT_SECONDS,
        max_tensors=settings.CONVERSION_MAX_TENSORS,
        header=header_limits(),
    )


def _fail(row: FileConversion, message: str) -> None:
    logger.info("conversion %s failed: %s", row.pk, message)
    FileConversion.objects.filter(pk=row.pk, status=ConversionStatus.RUNNING).update(
        status=ConversionStatus.FAILED, failure=message, updated_at=timezone.now()
    )
