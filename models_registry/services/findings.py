"""From what the bytes of a file said to the columns of its row."""

from django.utils import timezone

from models_registry.models.file import ModelFile, SizeKind
from models_registry.scanning.inspection import Inspection


def fill_row(file: ModelFile, inspection: Inspection) -> None:
    """Write verdict, format and header into the row, which the caller saves."""
    outcome, header, guess = inspection.outcome, inspection.header, inspection.guess
    file.format = inspection.format
    file.precision = inspection.precision or file.precision
    file.size_kind = file.size_kind or _size_kind(inspection)
    file.scan_status = outcome.status
    file.scan_message = _english(outcome.message, dict(outcome.params))
    file.scan_report = {
        **outcome.report,
        "message": outcome.message,
        "params": dict(outcome.params),
        "content": inspection.file_type.value,
        "looks_like": guess.kind.value if guess else "",
    }
    file.scanned_at = timezone.now()
    file.header = _storable(dict(header.metadata)) if header else None
    file.tensor_count = len(header.tensors) if header else None
    file.parameter_count = guess.parameter_count if guess else None
    file.sshs = inspection.hashes.sshs or ""


def _storable(data: dict[str, str]) -> dict[str, str]:
    """Text that jsonb can hold: without NUL and without halves of surrogate pairs."""
    return {_clean(key): _clean(value) for key, value in data.items()}


def _clean(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _english(template: str, params: dict[str, str]) -> str:
    return template % params


def _size_kind(inspection: Inspection) -> str:
    """Only whole checkpoints are told apart by their training copy of the weights."""
    guess = inspection.guess
    if guess is None or guess.kind.value != "Checkpoint":
        return ""
    return SizeKind.FULL if guess.has_ema else SizeKind.PRUNED
