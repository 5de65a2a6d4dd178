"""Numbers and texts as the generation tools write them, read without surprises."""

import json
import math
import re
from collections.abc import Collection, Mapping

INTEGER = re.compile(r"-?[0-9]{1,24}")
NUMBER = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,24})?([eE][-+]?[0-9]{1,3})?")
SIZE = re.compile(r"([0-9]{1,6})\s*[x×,]\s*([0-9]{1,6})")
EXACT_INTEGER_LIMIT = 1e15
MODEL_SUFFIXES = frozenset({"safetensors", "ckpt", "pt", "pth", "bin", "gguf", "sft"})


def to_int(value: object) -> int | None:
    """Read a whole number from a number or from text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**24 else None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    if isinstance(value, str) and INTEGER.fullmatch(value.strip()):
        return int(value)
    return None


def to_float(value: object) -> float | None:
    """Read a finite number from a number or from text; None for anything else."""
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def to_text(value: object) -> str | None:
    """Return non-empty text, trimmed; None for anything else."""
    return value.strip() or None if isinstance(value, str) else None


def to_size(value: object) -> tuple[int, int] | None:
    """Read "832x1216" or "(832, 1216)" as width and height in pixels."""
    match = SIZE.fullmatch(value.strip().strip("()").strip()) if isinstance(value, str) else None
    return (int(match[1]), int(match[2])) if match else None


def to_mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def parse_object(text: str) -> Mapping[str, object]:
    """Read a JSON object; an empty one for anything else."""
    try:
        return to_mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def rest_as_text(value: Mapping[str, object], used: Collection[str]) -> dict[str, str]:
    """Return the keys that no field took, as text; what isn't text becomes JSON."""
    return {
        key: item if isinstance(item, str) else _json_text(item)
        for key, item in value.items()
        if key not in used and item is not None
    }


def number_text(number: float) -> str:
    """Write a number as A1111 does: 7 instead of 7.0, and so that it reads back equal."""
    if isinstance(number, float) and number.is_integer() and abs(number) < EXACT_INTEGER_LIMIT:
        return str(int(number))
    return repr(number)


def file_stem(path: str) -> str:
    """Return the name that people use for a model file: no folder, no suffix."""
    name = path.replace("\\", "/").rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and suffix.lower() in MODEL_SUFFIXES else name


def _json_text(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:  # nested as deep as the parser allows, and one frame too many here
        return ""
