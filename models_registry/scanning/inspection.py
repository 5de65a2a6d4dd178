"""What the bytes of a model file say: hashes, verdict, format, header. Reads only, never runs.

| content | verdict |
|---|---|
| safetensors with a valid header | Success |
| pickle, all imports known and harmless | Success |
| pickle with a dangerous import | Danger |
| pickle that could not be followed, or imports unknown names | Error |
| picture, archive, text where the kind of file expects one | Success |
| anything else | Error, with the reason |

"Nothing was scanned" is never Success.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from hub.formats.detection import IMAGE_TYPES, PICKLE_TYPES, FileType, detect_type
from hub.formats.errors import FormatError
from hub.formats.hashes import FileHashes, hash_file
from hub.formats.model_kind import ModelGuess, Precision, guess_model
from hub.formats.pickle_globals import Verdict
from hub.formats.pickles import PickleReport, scan_pickle
from hub.formats.safetensors_header import HeaderLimits, SafetensorsHeader, read_header
from hub.formats.zip_archive import open_archive
from models_registry.models.file import FileFormat, FileKind, ScanStatus

TEXT_SAMPLE_BYTES = 1 << 20
TEXT_KINDS = frozenset({FileKind.CONFIG, FileKind.WORKFLOW, FileKind.OTHER})
ARCHIVE_KINDS = frozenset(
    {FileKind.TRAINING_DATA, FileKind.ARCHIVE, FileKind.WORKFLOW, FileKind.OTHER}
)
PICTURE_KINDS = frozenset({FileKind.WORKFLOW, FileKind.OTHER})

SAFE_HEADER = gettext_noop("The safetensors header is valid and complete.")
SAFE_PICKLE = gettext_noop("Every import of the pickle is known and harmless.")
SAFE_CONTENT = gettext_noop("The content is what this kind of file holds.")
DANGEROUS_PICKLE = gettext_noop(
    "Loading this file would run code: it imports %(names)s. It is not handed out to anyone."
)
SUSPICIOUS_PICKLE = gettext_noop(
    "This pickle could not be cleared: %(names)s. Convert it to safetensors and upload it again."
)
NOT_A_MODEL = gettext_noop(
    "This file is not of a kind that can be checked here (%(type)s). Upload a safetensors file."
)


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """Verdict, its reason as a translatable template with parameters, and what was found."""

    status: str
    message: str
    params: Mapping[str, str] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything the bytes say; header and guess for safetensors only."""

    hashes: FileHashes
    file_type: FileType
    format: str
    outcome: ScanOutcome
    header: SafetensorsHeader | None = None
    guess: ModelGuess | None = None

    @property
    def precision(self) -> str:
        """Number format of most weights in Civitai's spelling, empty when it is not known."""
        if self.guess is None or self.guess.precision is Precision.UNKNOWN:
            return ""
        return self.guess.precision.value


def inspect_file(path: Path, *, kind: str) -> Inspection:
    """Hash the file in one pass and judge its content as a file of this kind."""
    limits = HeaderLimits(max_header_bytes=settings.SAFETENSORS_HEADER_MAX_BYTES)
    hashes = hash_file(path, limits=limits)
    file_type = detect_type(path)
    if file_type is FileType.SAFETENSORS:
        return _inspect_safetensors(path, hashes, limits)
    if file_type in PICKLE_TYPES:
        return Inspection(hashes, file_type, FileFormat.PICKLETENSOR, _scan_pickle(path))
    outcome = _judge_other(path, file_type, kind)
    return Inspection(hashes, file_type, _format_of(file_type), outcome)


def _inspect_safetensors(path: Path, hashes: FileHashes, limits: HeaderLimits) -> Inspection:
    try:
        header = read_header(path, limits=limits)
    except FormatError as error:
        outcome = _refused(error)
        return Inspection(hashes, FileType.SAFETENSORS, FileFormat.SAFETENSOR, outcome)
    return Inspection(
        hashes,
        FileType.SAFETENSORS,
        FileFormat.SAFETENSOR,
        ScanOutcome(ScanStatus.SUCCESS, SAFE_HEADER, report={"tensors": len(header.tensors)}),
        header,
        guess_model(header),
    )


def _scan_pickle(path: Path) -> ScanOutcome:
    try:
        report = scan_pickle(path)
    except FormatError as error:
        return _refused(error)
    found = _pickle_facts(report)
    if report.verdict is Verdict.SAFE:
        return ScanOutcome(ScanStatus.SUCCESS, SAFE_PICKLE, report=found)
    if report.verdict is Verdict.DANGEROUS:
        names = {"names": _names(report, Verdict.DANGEROUS)}
        return ScanOutcome(ScanStatus.DANGER, DANGEROUS_PICKLE, names, found)
    unknown = _names(report, Verdict.SUSPICIOUS)
    names = {"names": "; ".join(filter(None, [unknown, *report.problems]))}
    return ScanOutcome(ScanStatus.ERROR, SUSPICIOUS_PICKLE, names, found)


def _judge_other(path: Path, file_type: FileType, kind: str) -> ScanOutcome:
    try:
        fits = (
            (file_type in IMAGE_TYPES and kind in PICTURE_KINDS)
            or (file_type is FileType.ZIP and kind in ARCHIVE_KINDS and _is_sound_archive(path))
            or (file_type is FileType.UNKNOWN and kind in TEXT_KINDS and _is_text(path))
        )
    except FormatError as error:
        return _refused(error)
    if fits:
        return ScanOutcome(ScanStatus.SUCCESS, SAFE_CONTENT)
    return ScanOutcome(ScanStatus.ERROR, NOT_A_MODEL, {"type": file_type.value})


def _refused(error: FormatError) -> ScanOutcome:
    params = {name: str(value) for name, value in error.params.items()}
    report = {"code": error.code, "params": params}
    return ScanOutcome(ScanStatus.ERROR, str(error).replace("%", "%%"), report=report)


def _pickle_facts(report: PickleReport) -> dict[str, Any]:
    return {
        "container": report.container.value,
        "pickles": report.pickle_count,
        "problems": list(report.problems),
        "imports": [
            {"module": item.module, "name": item.name, "verdict": item.verdict.value}
            for item in report.imports
        ],
    }


def _names(report: PickleReport, verdict: Verdict) -> str:
    found = report.imports_judged(verdict)
    return ", ".join(f"{item.module}.{item.name}" for item in found[:10])


def _is_sound_archive(path: Path) -> bool:
    with path.open("rb") as stream, open_archive(stream) as archive:
        return bool(archive.infolist())


def _is_text(path: Path) -> bool:
    with path.open("rb") as stream:
        sample = stream.read(TEXT_SAMPLE_BYTES)
    try:
        text = sample.decode("utf-8")
    except UnicodeDecodeError as error:
        # A sample may end inside a character; anything earlier is not text.
        if error.start < len(sample) - 3:
            return False
        text = sample[: error.start].decode("utf-8")
    return bool(text) and "\x00" not in text


def _format_of(file_type: FileType) -> str:
    return FileFormat.GGUF if file_type is FileType.GGUF else FileFormat.OTHER
