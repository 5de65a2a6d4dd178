"""Files that hold no weights: pictures, archives and texts, each only where its kind expects it."""

from collections.abc import Mapping
from pathlib import Path, PurePath

from django.conf import settings
from django.utils.translation import gettext_noop

from hub.core.errors import AtelierError
from hub.formats.archive_contents import DANGEROUS_MEMBER, ContentLimits, check_archive
from hub.formats.detection import IMAGE_TYPES, WRAPPER_TYPES, FileType
from hub.formats.disguises import check_single_nature
from hub.formats.errors import FormatError
from hub.formats.name_claims import is_untrue
from hub.formats.picture_end import picture_length
from hub.formats.text_content import TEXT_SAMPLE_BYTES, check_text, is_active_name, is_text
from hub.formats.zip_archive import ArchiveLimits, open_archive
from hub.storage.pictures import inspect_picture
from models_registry.models.file import FileKind, ScanStatus
from models_registry.scanning.outcome import (
    A_PROGRAM,
    LYING_NAME,
    NEVER_HDF5,
    NEVER_ONNX,
    NOT_A_MODEL,
    SAFE_ARCHIVE,
    SAFE_CONTENT,
    WRAPPED,
    ScanOutcome,
    refused,
)

TEXT_KINDS = frozenset({FileKind.CONFIG, FileKind.WORKFLOW, FileKind.OTHER})
ARCHIVE_KINDS = frozenset(
    {FileKind.TRAINING_DATA, FileKind.ARCHIVE, FileKind.WORKFLOW, FileKind.OTHER}
)
PICTURE_KINDS = frozenset({FileKind.WORKFLOW, FileKind.OTHER})
MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx")
#: Formats in which code may hide by design.
NEVER_CLEARED: Mapping[FileType, str] = {FileType.HDF5: NEVER_HDF5, FileType.ONNX: NEVER_ONNX}
EMPTY = gettext_noop("The file is empty, so there is nothing to check. Upload it again.")
BROKEN_PICTURE = gettext_noop("The picture is broken or too large: %(reason)s")
TEXT_TOO_LONG = gettext_noop("This text is longer than a text of this kind is (%(limit)s bytes).")


def judge_other(path: Path, file_type: FileType, *, kind: str, name: str) -> ScanOutcome:
    """The verdict on what holds no weights that could be read here."""
    if path.stat().st_size == 0:
        return _error(EMPTY)
    if file_type in WRAPPER_TYPES:
        return _error(WRAPPED, type=file_type.value)
    if file_type in NEVER_CLEARED:
        return _error(NEVER_CLEARED[file_type])
    if file_type is FileType.PROGRAM or is_active_name(name):
        return _error(A_PROGRAM)
    try:
        if file_type is FileType.ZIP:
            _check_whole(path)
        lie = _lie(path, file_type, name)
        is_other = lie is not None and PurePath(name).suffix.lower() in MODEL_SUFFIXES
        outcome = lie if lie and is_other else _judge_by_kind(path, file_type, kind)
    except FormatError as error:
        is_danger = error.problem is DANGEROUS_MEMBER
        return refused(error, status=ScanStatus.DANGER if is_danger else ScanStatus.ERROR)
    return lie if lie and outcome.status == ScanStatus.SUCCESS else outcome


def _judge_by_kind(path: Path, file_type: FileType, kind: str) -> ScanOutcome:
    if file_type is FileType.ZIP and kind in ARCHIVE_KINDS:
        with path.open("rb") as stream:
            count = check_archive(stream, limits=content_limits())
        if count:
            return ScanOutcome(ScanStatus.SUCCESS, SAFE_ARCHIVE, report={"files": count})
        return _error(EMPTY)
    if file_type in IMAGE_TYPES and kind in PICTURE_KINDS:
        return _judge_picture(path)
    if file_type is FileType.UNKNOWN and kind in TEXT_KINDS and _is_text(path):
        return _judge_text(path)
    return _error(NOT_A_MODEL, type=file_type.value)


def _lie(path: Path, file_type: FileType, name: str) -> ScanOutcome | None:
    """What to say about a name that ends as files of another type do."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in MODEL_SUFFIXES and not is_untrue(name, file_type):
        return None
    what = "text" if file_type is FileType.UNKNOWN and _is_text(path) else file_type.value
    return _error(LYING_NAME, suffix=suffix, type=what)


def _check_whole(path: Path) -> None:
    """Raise ArchiveError for an archive that cannot be opened: half a torch file is none of any."""
    with path.open("rb") as stream, open_archive(stream, limits=content_limits().archive):
        pass


def content_limits() -> ContentLimits:
    """What an archive may ask for on this hub."""
    limits = ArchiveLimits(
        max_members=settings.ARCHIVE_MAX_MEMBERS, max_ratio=settings.ARCHIVE_MAX_RATIO
    )
    return ContentLimits(max_total_bytes=settings.ARCHIVE_MAX_BYTES, archive=limits)


def _judge_picture(path: Path) -> ScanOutcome:
    with path.open("rb") as stream:
        check_single_nature(stream)
        picture_length(stream)
    try:
        inspect_picture(path)
    except AtelierError as error:
        return _error(BROKEN_PICTURE, reason=error.message)
    return ScanOutcome(ScanStatus.SUCCESS, SAFE_CONTENT)


def _judge_text(path: Path) -> ScanOutcome:
    if path.stat().st_size > settings.GENERATION_TEXT_MAX_BYTES:
        return _error(TEXT_TOO_LONG, limit=str(settings.GENERATION_TEXT_MAX_BYTES))
    data = path.read_bytes()
    check_text(data)
    if not is_text(data):
        return _error(NOT_A_MODEL, type=FileType.UNKNOWN.value)
    return ScanOutcome(ScanStatus.SUCCESS, SAFE_CONTENT)


def _is_text(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_text(stream.read(TEXT_SAMPLE_BYTES))


def _error(message: str, **params: str) -> ScanOutcome:
    return ScanOutcome(ScanStatus.ERROR, message, params)
