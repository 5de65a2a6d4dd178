"""A strict, bounded reader of the header of a safetensors file.

Layout: u64 little-endian N, N bytes of JSON, then the tensors without gaps. Format:
https://github.com/huggingface/safetensors#format. The tensors themselves are never read.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

from hub.formats.binary_source import BinarySource, opened, size_of
from hub.formats.errors import Problem, SafetensorsError

LENGTH_BYTES = 8
ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
METADATA_KEY = "__metadata__"
MAX_DIMENSION = 1 << 62
#: What numpy and torch can hold; the product of a hundred thousand sides takes minutes.
MAX_DIMENSIONS = 64

DTYPE_BITS: Mapping[str, int] = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E5M2FNUZ", "F8_E4M3FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}

TOO_SHORT = Problem(
    "safetensors_too_short",
    "The file ends inside its safetensors header, so the upload or the download was cut off. "
    "Transfer the file again.",
)
HEADER_TOO_LONG = Problem(
    "safetensors_header_too_long",
    "The safetensors header says it is {size} bytes long and the limit is {limit}. "
    "If the file really is a model, remove large metadata from it and try again.",
)
TOO_MANY_ENTRIES = Problem(
    "safetensors_too_many_entries",
    "The safetensors header has more entries than the limit of {limit} tensors allows. "
    "Split the model into several files.",
)
NOT_JSON = Problem(
    "safetensors_not_json",
    "The safetensors header is not valid JSON, so the file is damaged or of another type. "
    "Export the model again.",
)
DUPLICATE_KEY = Problem(
    "safetensors_duplicate_key",
    "The safetensors header holds the key {key!r} twice, so tools would disagree about it. "
    "Export the model again.",
)
BAD_METADATA = Problem(
    "safetensors_bad_metadata",
    "The metadata of the safetensors header must map text to text. Export the model again.",
)
BAD_TENSOR = Problem(
    "safetensors_bad_tensor",
    "The entry of the tensor {name!r} is not valid: {reason}. Export the model again.",
)
NOT_CONTIGUOUS = Problem(
    "safetensors_not_contiguous",
    "The tensor {name!r} starts at byte {start} where {expected} was expected, so the tensors "
    "overlap or leave gaps. Export the model again.",
)
WRONG_LENGTH = Problem(
    "safetensors_wrong_length",
    "The header describes {expected} bytes of tensors and the file holds {actual}. "
    "Transfer the file again, or export the model again.",
)


@dataclass(frozen=True, slots=True)
class HeaderLimits:
    """How much a header may ask for before it is refused."""

    max_header_bytes: int = 32 << 20
    max_tensors: int = 100_000
    max_metadata_entries: int = 10_000


DEFAULT_LIMITS = HeaderLimits()


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor: offsets are bytes from the start of the tensor area."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def size_bytes(self) -> int:
        """Length of the stored tensor."""
        return self.end - self.start


@dataclass(frozen=True)
class SafetensorsHeader:
    """A checked header; `tensors` are in the header's own order."""

    metadata: Mapping[str, str]
    tensors: tuple[TensorInfo, ...]
    header_bytes: int
    data_bytes: int

    @property
    def data_offset(self) -> int:
        """Where the tensor area starts in the file."""
        return LENGTH_BYTES + self.header_bytes

    @cached_property
    def by_name(self) -> Mapping[str, TensorInfo]:
        """Tensors by their key."""
        return {tensor.name: tensor for tensor in self.tensors}


def read_header(
    source: BinarySource, *, limits: HeaderLimits = DEFAULT_LIMITS
) -> SafetensorsHeader:
    """Read and check the header of a whole file.

    Raises SafetensorsError for anything that is not a complete, gapless safetensors file.
    """
    with opened(source) as stream:
        size = size_of(stream)
        prefix = stream.read(LENGTH_BYTES)
        length = declared_length(prefix, limits=limits)
        if size < LENGTH_BYTES + length:
            raise SafetensorsError(TOO_SHORT)
        raw = stream.read(length)
    return parse_header(raw, data_bytes=size - LENGTH_BYTES - length, limits=limits)


def declared_length(prefix: bytes, *, limits: HeaderLimits = DEFAULT_LIMITS) -> int:
    """Return the header length that the first eight bytes of a file announce."""
    if len(prefix) < LENGTH_BYTES:
        raise SafetensorsError(TOO_SHORT)
    length = int.from_bytes(prefix[:LENGTH_BYTES], "little")
    if length > limits.max_header_bytes:
        raise SafetensorsError(HEADER_TOO_LONG, size=length, limit=limits.max_header_bytes)
    return length


def parse_header(
    raw: bytes, *, data_bytes: int, limits: HeaderLimits = DEFAULT_LIMITS
) -> SafetensorsHeader:
    """Check the JSON bytes of a header against the length of the tensor area behind it."""
    _check_entry_count(raw, limits)
    entries = _load_object(raw)
    metadata = _checked_metadata(entries.pop(METADATA_KEY, {}))
    if len(entries) > limits.max_tensors or len(metadata) > limits.max_metadata_entries:
        raise SafetensorsError(TOO_MANY_ENTRIES, limit=limits.max_tensors)
    tensors = tuple(_checked_tensor(name, entry) for name, entry in entries.items())
    _check_layout(tensors, data_bytes)
    return SafetensorsHeader(metadata, tensors, header_bytes=len(raw), data_bytes=data_bytes)


def _check_entry_count(raw: bytes, limits: HeaderLimits) -> None:
    """Refuse floods of small values before the JSON parser turns each into an object."""
    unescaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in raw else raw
    if unescaped.count(b'"') > 10 * limits.max_tensors + 4 * limits.max_metadata_entries:
        raise SafetensorsError(TOO_MANY_ENTRIES, limit=limits.max_tensors)
    structure = b"".join(unescaped.split(b'"')[::2])
    values = structure.count(b",") + structure.count(b"[") + structure.count(b"{")
    if values > 16 * limits.max_tensors + 2 * limits.max_metadata_entries:
        raise SafetensorsError(TOO_MANY_ENTRIES, limit=limits.max_tensors)


def _load_object(raw: bytes) -> dict[str, object]:
    if not raw.startswith(b"{"):
        raise SafetensorsError(NOT_JSON)
    try:
        entries = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
        )
        if ESCAPED_SURROGATE.search(raw):  # halves of a pair are no text: no other reader takes one
            json.dumps(entries, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise SafetensorsError(NOT_JSON) from error
    if not isinstance(entries, dict):  # pragma: no cover - text that starts with "{"
        raise SafetensorsError(NOT_JSON)
    return entries


def _refuse_constant(_: str) -> NoReturn:
    raise SafetensorsError(NOT_JSON)


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise SafetensorsError(DUPLICATE_KEY, key=twice)
    return result


def _checked_metadata(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise SafetensorsError(BAD_METADATA)
    return value


def _checked_tensor(name: str, entry: object) -> TensorInfo:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise SafetensorsError(BAD_TENSOR, name=name, reason="it needs dtype, shape, data_offsets")
    shape, offsets = entry["shape"], entry["data_offsets"]
    bits = DTYPE_BITS.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if bits is None:
        raise SafetensorsError(BAD_TENSOR, name=name, reason="the dtype is unknown")
    if not _are_lengths(shape) or len(shape) > MAX_DIMENSIONS:
        raise SafetensorsError(BAD_TENSOR, name=name, reason="the shape is not a list of lengths")
    if not _are_lengths(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise SafetensorsError(BAD_TENSOR, name=name, reason="the offsets are not a range")
    if math.prod(shape) * bits != (offsets[1] - offsets[0]) * 8:
        raise SafetensorsError(BAD_TENSOR, name=name, reason="shape and size disagree")
    return TensorInfo(name, entry["dtype"], tuple(shape), offsets[0], offsets[1])


def _are_lengths(value: object) -> bool:
    return isinstance(value, list) and all(
        type(item) is int and 0 <= item < MAX_DIMENSION for item in value
    )


def _check_layout(tensors: tuple[TensorInfo, ...], data_bytes: int) -> None:
    expected = 0
    for tensor in sorted(tensors, key=lambda item: (item.start, item.end)):
        if tensor.start != expected:
            raise SafetensorsError(
                NOT_CONTIGUOUS, name=tensor.name, start=tensor.start, expected=expected
            )
        expected = tensor.end
    if expected != data_bytes:
        raise SafetensorsError(WRONG_LENGTH, expected=expected, actual=data_bytes)
