"""From what the bytes of a file said to the columns of its row."""

import re

from django.utils import timezone

from hub.formats.model_kind import ModelGuess, ModelKind
from hub.formats.model_metadata import whole_text
from hub.formats.safetensors_header import SafetensorsHeader
from models_registry.models.file import EmaWeights, FileFormat, ModelFile, SizeKind
from models_registry.scanning.inspection import Inspection

#: Where the report of a scan keeps what the bytes say of themselves: no person can say otherwise.
TOLD = "told"
#: Formats that have no mark in the bytes which is looked for: here a person is believed.
UNTOLD_FORMATS = (FileFormat.DIFFUSERS, FileFormat.ONNX, FileFormat.CORE_ML, FileFormat.OTHER)
EMA_ONLY = re.compile(r"(?<![a-z])ema[-_ ]?only(?![a-z])", re.IGNORECASE)
NO_EMA = re.compile(r"(?<![a-z])(?:no|non|without)[-_ ]?ema(?![a-z])", re.IGNORECASE)


def fill_verdict(file: ModelFile, inspection: Inspection) -> None:
    """Write verdict, format and precision into the row, which the caller saves."""
    outcome, guess = inspection.outcome, inspection.guess
    file.format = told_format(inspection.format) or untold_format(file.format)
    file.precision = inspection.precision or file.precision
    file.ema = _ema(file, guess)
    file.scan_status = outcome.status
    file.scan_message = outcome.sentence
    file.scan_report = {
        **outcome.report,
        "message": outcome.message,
        "params": dict(outcome.params),
        "has_braces": outcome.has_braces,
        "content": inspection.file_type.value,
        "looks_like": guess.kind.value if guess else "",
        TOLD: {
            "format": told_format(inspection.format),
            "precision": inspection.precision,
            "has_ema": guess.has_ema if guess else None,
        },
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
    return {whole_text(key): whole_text(value) for key, value in data.items()}


def told_format(found: str) -> str:
    """The format that the bytes have the mark of, empty where they have none."""
    return "" if found in UNTOLD_FORMATS else found


def untold_format(said: str) -> str:
    """What a person said of bytes without a mark."""
    return said if said in UNTOLD_FORMATS else FileFormat.OTHER


def _ema(file: ModelFile, guess: ModelGuess | None) -> str:
    """Keys of averaged weights decide; without them what was said, else what the name says."""
    if guess is not None and guess.has_ema:
        return EmaWeights.WITH
    said = "" if guess is not None and file.ema == EmaWeights.WITH else file.ema
    if said:
        return said
    if EMA_ONLY.search(file.name):
        return EmaWeights.ONLY
    return EmaWeights.WITHOUT if NO_EMA.search(file.name) else ""


def _size_kind(guess: ModelGuess) -> str:
    """Only whole checkpoints are told apart by their training copy of the weights."""
    if guess.kind is not ModelKind.CHECKPOINT:
        return ""
    return SizeKind.FULL if guess.has_ema else SizeKind.PRUNED
