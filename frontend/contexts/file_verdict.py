"""What the hub found out about a file, in words: verdict, date, and who said what."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.components import ConversionView, FileVerdict, Label
from models_registry.models.conversion import ConversionStatus, FileConversion
from models_registry.models.file import FileStage, ModelFile, ScanStatus
from models_registry.models.model import Viewer
from models_registry.permissions import can_edit_version
from models_registry.services.conversion import can_be_converted

SCAN_LABELS = {
    ScanStatus.PENDING: ("warn", "loader-circle"),
    ScanStatus.SUCCESS: ("ok", "badge-check"),
    ScanStatus.DANGER: ("danger", "shield-alert"),
    ScanStatus.ERROR: ("warn", "shield-x"),
}
SHOWN_IMPORTS = 40


def verdict_label(file: ModelFile) -> Label:
    """The badge: while the hub is at work, the stage it is in."""
    kind, symbol = SCAN_LABELS[ScanStatus(file.scan_status)]
    if file.scan_status == ScanStatus.PENDING:
        return Label(file.get_stage_display(), kind, symbol)
    return Label(file.get_scan_status_display(), kind, symbol)


def verdict_of(file: ModelFile) -> FileVerdict:
    """Everything that may be told about the scan to whoever sees the file."""
    return FileVerdict(
        sentence=file.scan_sentence,
        at=file.scanned_at,
        facts=tuple(_facts(file)),
        is_shown=not file.is_clean,
    )


def conversion_of(file: ModelFile, viewer: Viewer) -> ConversionView | None:
    """What a person of the model may do about a pickle; None for everybody else."""
    if not can_edit_version(viewer, file.version):
        return None
    row: FileConversion | None = getattr(file, "conversion", None)
    url = reverse("model_file_convert", args=[file.pk]) if can_be_converted(file) else ""
    if row is None:
        return ConversionView(url=url) if url else None
    if row.status == ConversionStatus.FAILED:
        return ConversionView(url, row.get_status_display(), row.failure)
    if row.status == ConversionStatus.SUCCEEDED and row.result_id is None:
        return ConversionView(url=url)
    return ConversionView(state=row.get_status_display())


def state_of(file: ModelFile) -> str:
    """Another text for each state in which the page shows a file differently."""
    row: FileConversion | None = getattr(file, "conversion", None)
    return f"{file.pk}:{file.stage}:{file.scan_status}:{row.status if row else ''}"


def is_busy(file: ModelFile) -> bool:
    """Whether the hub is still at work on a file, so that a page asks again."""
    row: FileConversion | None = getattr(file, "conversion", None)
    converting = row is not None and row.status in {
        ConversionStatus.QUEUED,
        ConversionStatus.RUNNING,
    }
    waiting = file.scan_status == ScanStatus.PENDING or file.stage == FileStage.SCANNED
    return waiting or converting


def _facts(file: ModelFile) -> Iterator[tuple[str, str]]:
    report = file.scan_report
    if "content" in report:
        yield _("Content"), str(report["content"])
    imports = [f"{item['module']}.{item['name']}" for item in report.get("imports", ())]
    if imports:
        yield _("Imports"), ", ".join(imports[:SHOWN_IMPORTS])
    for problem in report.get("problems", ()):
        yield _("Problem"), problem
    opinion = report.get("second_opinion")
    if opinion:
        found = ", ".join(opinion["dangerous"]) or _("nothing dangerous found")
        yield "picklescan", found
    virus = report.get("virus")
    if virus:
        yield "ClamAV", virus["message"] or _("nothing found")
