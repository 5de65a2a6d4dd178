"""The stages of a file: sealed (the blob exists) → hashed → scanned → ready.

Each stage reads the bytes, writes what it found and its own name in one transaction, and is skipped
when it is behind the file already: a worker that is killed costs the stage it was in, no more.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.core.errors import Gone
from hub.formats.errors import FormatError
from hub.formats.model_kind import guess_model
from hub.formats.safetensors_header import read_header
from models_registry.models.file import FileFormat, FileStage, ModelFile, ScanStatus
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model
from models_registry.scanning.inspection import hash_content, header_limits, scan_content
from models_registry.services.cards import card_edit
from models_registry.services.counters import refresh_facts
from models_registry.services.findings import fill_header, fill_verdict
from models_registry.services.suggestions import fill_empty_fields, suggest_from_header
from models_registry.services.thumbnails import add_stated_thumbnail

logger = logging.getLogger(__name__)

Write = Callable[[ModelFile], None]


def pass_stages(file: ModelFile, path: Path) -> ModelFile | None:
    """Take a file from where it is to the end; None when it was removed meanwhile.

    Raises ScannerAway while a configured virus scanner does not answer.
    """
    steps = {
        FileStage.SEALED: _hash,
        FileStage.HASHED: _scan,
        FileStage.SCANNED: _read_metadata,
    }
    current: ModelFile | None = file
    while current is not None and current.stage in steps:
        current = steps[FileStage(current.stage)](current, path)
    return current


def note_lost(file_id: int, message: str) -> ModelFile | None:
    """The bytes are gone or damaged: nothing can be said about them, so nothing is cleared."""

    def write(file: ModelFile) -> None:
        file.scan_status = ScanStatus.ERROR
        file.scan_message = message
        file.scan_report = {}
        file.scanned_at = timezone.now()
        # The stage stays: another look begins where this one could not.

    return _write(file_id, write)


def note_waiting(file_id: int, reason: str) -> ModelFile | None:
    """The virus scanner is away; the sweep asks again."""
    logger.warning("file %s waits for the virus scanner: %s", file_id, reason)

    def write(file: ModelFile) -> None:
        file.scan_message = _("The virus scanner does not answer. The file waits for it.")

    return _write(file_id, write)


def _hash(file: ModelFile, path: Path) -> ModelFile | None:
    hashes = hash_content(path)
    if hashes.sha256.lower() != file.blob.sha256:
        logger.error("stored bytes of blob %s do not match its name", file.blob_id)
        raise Gone(_("The stored bytes are damaged. Upload the file again."))

    def write(row: ModelFile) -> None:
        row.sshs = hashes.sshs or ""
        row.hashes.all().delete()
        ModelFileHash.objects.bulk_create(
            ModelFileHash(file=row, kind=kind.value, value=value)
            for kind, value in hashes.as_mapping().items()
        )
        row.stage = FileStage.HASHED

    return _write(file.pk, write)


def _scan(file: ModelFile, path: Path) -> ModelFile | None:
    inspection = scan_content(path, kind=file.kind, name=file.name)

    def write(row: ModelFile) -> None:
        fill_verdict(row, inspection)
        row.stage = FileStage.SCANNED

    return _write(file.pk, write)


def _read_metadata(file: ModelFile, path: Path) -> ModelFile | None:
    """What the header says goes into the file's row, and into what the version leaves empty."""
    if file.format != FileFormat.SAFETENSOR:
        return _write(file.pk, _end)
    try:
        header = read_header(path, limits=header_limits())
    except FormatError:  # the verdict says so already
        return _write(file.pk, _end)
    guess = guess_model(header)

    def write(row: ModelFile) -> None:
        fill_header(row, header, guess)
        found = suggest_from_header(header, guess)
        with card_edit(actor=None, model_id=row.version.model_id):
            fill_empty_fields(version_id=row.version_id, suggestions=found)
        _end(row)

    done = _write(file.pk, write)
    if done is not None and done.is_clean:
        add_stated_thumbnail(file=done, metadata=header.metadata)
    return done


def _end(file: ModelFile) -> None:
    file.stage = FileStage.READY


def _write(file_id: int, write: Write) -> ModelFile | None:
    """Change the row under its locks; None when the file, or its version, went meanwhile."""
    try:
        with transaction.atomic():
            file = _lock_file(file_id)
            if file is None:
                return None
            verdict = (file.scan_status, file.format, file.precision)
            write(file)
            file.save()
            if (file.scan_status, file.format, file.precision) != verdict:
                refresh_facts(model_id=file.version.model_id)
    except IntegrityError:
        if ModelFile.objects.filter(pk=file_id).exists():
            raise
        return None
    return file


def _lock_file(file_id: int) -> ModelFile | None:
    """Lock model, then file: the order of every service here."""
    models = Model.objects.select_for_update(of=("self",)).filter(versions__files=file_id)
    if not models.values_list("pk", flat=True):
        return None
    return (
        ModelFile.objects.select_for_update(of=("self",))
        .select_related("version", "blob")
        .filter(pk=file_id)
        .first()
    )
