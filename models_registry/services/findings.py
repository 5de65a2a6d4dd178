"""From what the bytes of a file said to the columns of its row."""

from django.utils import timezone

from hub.formats.model_kind import ModelGuess, ModelKind
from hub.formats.safetensors_header import SafetensorsHeader
from models_registry.models.file import ModelFile, SizeKind
from models_registry.scanning.inspection import Inspection


def fill_verdict(file: ModelFile, inspection: Inspection) -> None:
    """Write verdict, format and precision into the row, which the caller saves."""
    outcome, guess = inspection.outcome, inspection.guess
    file.format = inspection.format
    file.precision = inspection.precision or file.precision
    file.scan_status = outcome.status
    file.scan_message = outcome.sentence
    file.scan_report = {
        **outcome.report,
        "message": outcome.message,
        "params": dict(outcome.params),
        "has_braces": outcome.has_braces,
        "content": inspection.file_type.value,
        "looks_like": guess.kind.value if guess else "",
    }
    file.scanned_at = timezone.now()
    file.header = file.tensor_count = file.parameter_count = None


def fill_header(file: ModelFile, header: SafetensorsHeader, guess: ModelGuess) -> None:
    """Write what the header says into the row, which the caller saves."""
    file.size_kind = file.size_kind or _size_kind(guess)
    file.header = _storable(dict(header.metadata))
    file.tensor_count = len(header.tensors)
    file.parameter_count = guess.parameter_count


def _storable(data: dict[str, str]) -> dict[str, str]:
    """Text that jsonb can hold: without NUL and without halves of surrogate pairs."""
    return {_clean(key): _clean(value) for key, value in data.items()}


def _clean(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _size_kind(guess: ModelGuess) -> str:
    """Only whole checkpoints are told apart by their training copy of the weights."""
    if guess.kind is not ModelKind.CHECKPOINT:
        return ""
    return SizeKind.FULL if guess.has_ema else SizeKind.PRUNED
