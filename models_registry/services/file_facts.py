"""What people say of a file where they know better than the hub; never against its bytes."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, Invalid, NotAllowed
from hub.core.tasks import TaskName, enqueue_on_commit
from models_registry.models.file import (
    PRECISIONS,
    EmaWeights,
    FileFormat,
    FileKind,
    FileStage,
    ModelFile,
    ScanStatus,
    SizeKind,
)
from models_registry.permissions import can_edit_version
from models_registry.services.columns import check_choice
from models_registry.services.counters import refresh_facts
from models_registry.services.findings import TOLD, UNTOLD_FORMATS


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The columns of a file that can be said; empty text is "not known"."""

    kind: str
    format: str
    precision: str = ""
    size_kind: str = ""
    ema: str = ""

    @classmethod
    def of(cls, file: ModelFile) -> "FileFacts":
        """What is said now."""
        return cls(file.kind, file.format, file.precision, file.size_kind, file.ema)


@dataclass(frozen=True, slots=True)
class ToldFacts:
    """What the bytes say, empty or None where they do not."""

    format: str = ""
    precision: str = ""
    has_ema: bool | None = None

    @classmethod
    def of(cls, file: ModelFile) -> "ToldFacts":
        """From the report of the last scan; older reports are what the columns still say."""
        told = file.scan_report.get(TOLD, {"precision": file.precision})
        has_mark = file.format not in UNTOLD_FORMATS
        return cls(
            format=told.get("format") or (file.format if has_mark else ""),
            precision=told.get("precision", ""),
            has_ema=told.get("has_ema"),
        )


def describe_file(*, actor: User, file: ModelFile, facts: FileFacts) -> ModelFile:
    """Write what is said of a file; another kind is held against the bytes by a new scan.

    Raises Invalid for what the bytes deny, Conflict while they are still being looked at.
    """
    if not can_edit_version(actor, file.version):
        raise NotAllowed(_("Only the people of this model can change its files."))
    if file.stage != FileStage.READY:
        raise Conflict(_("The file is still being checked. Wait until that is done."))
    before = FileFacts.of(file)
    if facts == before:
        return file
    _check_choices(facts)
    _check_against_bytes(facts, ToldFacts.of(file))
    with transaction.atomic():
        for name in ("kind", "format", "precision", "size_kind", "ema"):
            setattr(file, name, getattr(facts, name))
        changed = ["kind", "format", "precision", "size_kind", "ema", "updated_at"]
        if facts.kind != before.kind:
            file.stage, file.scan_status, file.scanned_at = (
                FileStage.HASHED,
                ScanStatus.PENDING,
                None,
            )
            changed += ["stage", "scan_status", "scanned_at"]
            enqueue_on_commit(TaskName.REGISTRY_PROCESS_FILE, file_id=file.pk)
        file.save(update_fields=changed)
        audit.record(actor=actor, action="file.describe", target=file)
        refresh_facts(model_id=file.version.model_id)
    return file


def _check_choices(facts: FileFacts) -> None:
    check_choice(facts.kind, FileKind.values)
    check_choice(facts.format, FileFormat.values)
    check_choice(facts.precision, ["", *PRECISIONS])
    check_choice(facts.size_kind, ["", *SizeKind.values])
    check_choice(facts.ema, ["", *EmaWeights.values])


def _check_against_bytes(facts: FileFacts, told: ToldFacts) -> None:
    if told.format and facts.format != told.format:
        _deny(_("format"), told.format, code="format_told")
    if not told.format and facts.format not in UNTOLD_FORMATS:
        raise Invalid(
            _("Nothing in this file is a mark of the format %s.") % facts.format,
            code="format_denied",
        )
    if told.precision and facts.precision != told.precision:
        _deny(_("precision"), told.precision, code="precision_told")
    if told.has_ema and (facts.ema != EmaWeights.WITH or facts.size_kind == SizeKind.PRUNED):
        raise Invalid(
            _("This file holds EMA weights beside the others: it is full, and with EMA weights."),
            code="ema_told",
        )
    if told.has_ema is False and facts.ema == EmaWeights.WITH:
        raise Invalid(
            _("This file holds no EMA weights beside the others (no keys model_ema.)."),
            code="ema_denied",
        )


def _deny(what: str, told: str, *, code: str) -> None:
    words = {"what": what, "told": told}
    raise Invalid(
        _("The bytes of this file say what its %(what)s is: %(told)s.") % words, code=code
    )
