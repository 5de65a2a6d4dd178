"""A strict, bounded reader of the header of a GGUF file, the format of quantised weights.

Layout, little-endian: `GGUF`, u32 version, u64 tensors, u64 metadata entries; the entries (name,
type, value); the tensors (name, dimensions, type, offset); then, aligned, the tensors' bytes one
after the other. Nothing in it is code. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
The tensors themselves are never read.
"""

import math
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from hub.formats.binary_source import BinarySource, opened, size_of
from hub.formats.errors import GgufError, Problem

MAGIC = b"GGUF"
VERSIONS = frozenset({2, 3})
ALIGNMENT_KEY = "general.alignment"
DEFAULT_ALIGNMENT = 32
MAX_DIMENSIONS = 4
MAX_SIDE = 1 << 48
#: Jinja templates, which some programs fill in without a sandbox.
TEMPLATE_KEY = "chat_template"

STRING, ARRAY = 8, 9
#: Metadata types of a fixed size: format and bytes.
SCALARS: Mapping[int, str] = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}


@dataclass(frozen=True, slots=True)
class GgmlType:
    """How the numbers of a tensor are packed: so many of them in a block of so many bytes."""

    name: str
    block: int
    block_bytes: int


GGML_TYPES: Mapping[int, GgmlType] = {
    0: GgmlType("F32", 1, 4),
    1: GgmlType("F16", 1, 2),
    2: GgmlType("Q4_0", 32, 18),
    3: GgmlType("Q4_1", 32, 20),
    6: GgmlType("Q5_0", 32, 22),
    7: GgmlType("Q5_1", 32, 24),
    8: GgmlType("Q8_0", 32, 34),
    10: GgmlType("Q2_K", 256, 84),
    11: GgmlType("Q3_K", 256, 110),
    12: GgmlType("Q4_K", 256, 144),
    13: GgmlType("Q5_K", 256, 176),
    14: GgmlType("Q6_K", 256, 210),
    15: GgmlType("Q8_K", 256, 292),
    16: GgmlType("IQ2_XXS", 256, 66),
    17: GgmlType("IQ2_XS", 256, 74),
    18: GgmlType("IQ3_XXS", 256, 98),
    19: GgmlType("IQ1_S", 256, 50),
    20: GgmlType("IQ4_NL", 32, 18),
    21: GgmlType("IQ3_S", 256, 110),
    22: GgmlType("IQ2_S", 256, 82),
    23: GgmlType("IQ4_XS", 256, 136),
    24: GgmlType("I8", 1, 1),
    25: GgmlType("I16", 1, 2),
    26: GgmlType("I32", 1, 4),
    27: GgmlType("I64", 1, 8),
    28: GgmlType("F64", 1, 8),
    29: GgmlType("IQ1_M", 256, 56),
    30: GgmlType("BF16", 1, 2),
    34: GgmlType("TQ1_0", 256, 54),
    35: GgmlType("TQ2_0", 256, 66),
    39: GgmlType("MXFP4", 32, 17),
}

CUT_OFF = Problem(
    "gguf_cut_off",
    "The file ends inside its GGUF header, or the header announces more than there is. "
    "Transfer the file again.",
)
BAD_VERSION = Problem(
    "gguf_version",
    "The GGUF version of the file is {version}; versions 2 and 3 in little-endian order are read. "
    "Convert the model again with a current program.",
)
TOO_LARGE = Problem(
    "gguf_too_large",
    "The GGUF header goes beyond the limit of {limit} {unit}. If the file really is a model, "
    "take large metadata out of it.",
)
BAD_ENTRY = Problem(
    "gguf_bad_entry",
    "The entry {name!r} of the GGUF header is not valid: {reason}. Convert the model again.",
)
TWICE = Problem(
    "gguf_twice",
    "The GGUF header holds the name {name!r} twice, so programs would disagree about it. "
    "Convert the model again.",
)
NOT_CONTIGUOUS = Problem(
    "gguf_not_contiguous",
    "The tensor {name!r} starts at byte {start} where {expected} was expected, so the tensors "
    "overlap or leave gaps. Convert the model again.",
)
WRONG_LENGTH = Problem(
    "gguf_wrong_length",
    "The GGUF header describes {expected} bytes of tensors and the file holds {actual}. "
    "Transfer the file again, or convert the model again.",
)
TEMPLATE = Problem(
    "gguf_template",
    "The GGUF header holds a chat template ({name!r}), which some programs run as they read it. "
    "Take it out, or upload safetensors.",
)


@dataclass(frozen=True, slots=True)
class GgufLimits:
    """How much a header may ask for before it is refused."""

    max_header_bytes: int = 32 << 20
    max_tensors: int = 100_000
    max_entries: int = 10_000
    max_text_bytes: int = 1 << 20


DEFAULT_LIMITS = GgufLimits()


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor; the shape has the slowest dimension first, as elsewhere; offsets in bytes."""

    name: str
    type: GgmlType
    shape: tuple[int, ...]
    start: int

    @property
    def size_bytes(self) -> int:
        """Length of the stored tensor."""
        return math.prod(self.shape) // self.type.block * self.type.block_bytes


@dataclass(frozen=True)
class GgufHeader:
    """A checked header; `metadata` holds the texts and single numbers, as text."""

    version: int
    metadata: Mapping[str, str]
    tensors: tuple[GgufTensor, ...]

    @property
    def main_type(self) -> str:
        """How most bytes of the weights are packed, like `Q4_K`; empty without tensors."""
        sizes: Counter[str] = Counter()
        for tensor in self.tensors:
            sizes[tensor.type.name] += tensor.size_bytes
        return sizes.most_common(1)[0][0] if sizes else ""


def read_gguf(source: BinarySource, *, limits: GgufLimits = DEFAULT_LIMITS) -> GgufHeader:
    """Read and check the header of a whole file.

    Raises GgufError for anything that is not a complete, gapless GGUF file.
    """
    with opened(source) as stream:
        size = size_of(stream)
        stream.seek(0)
        reader = _Reader(stream, size, limits)
        if reader.take(len(MAGIC)) != MAGIC:
            raise GgufError(CUT_OFF)
        version = reader.number("<I")
        if version not in VERSIONS:
            raise GgufError(BAD_VERSION, version=version)
        tensor_count, entry_count = reader.number("<Q"), reader.number("<Q")
        _check_count(tensor_count, limits.max_tensors, "tensors")
        _check_count(entry_count, limits.max_entries, "entries")
        metadata = _metadata(reader, entry_count)
        tensors = tuple(_tensors(reader, tensor_count))
        alignment = _alignment(metadata)
        _check_layout(tensors, size - _aligned(reader.position, alignment), alignment)
    return GgufHeader(version, metadata, tensors)


class _Reader:
    """Takes the header piece by piece, never more than there is or than is allowed."""

    def __init__(self, stream: BinaryIO, size: int, limits: GgufLimits) -> None:
        self._stream, self._size, self.limits = stream, size, limits
        self.position = 0

    def take(self, count: int) -> bytes:
        if count > self._size - self.position:
            raise GgufError(CUT_OFF)
        if self.position + count > self.limits.max_header_bytes:
            raise GgufError(TOO_LARGE, limit=self.limits.max_header_bytes, unit="bytes")
        self.position += count
        return self._stream.read(count)

    def number(self, layout: str) -> int:
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return int(value)

    def text(self) -> str:
        length = self.number("<Q")
        _check_count(length, self.limits.max_text_bytes, "bytes in one text")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise GgufError(BAD_ENTRY, name="", reason="it is not UTF-8") from error


def _metadata(reader: _Reader, count: int) -> dict[str, str]:
    found: dict[str, str] = {}
    seen: set[str] = set()
    for _ in range(count):
        name = reader.text()
        if name in seen:
            raise GgufError(TWICE, name=name)
        if TEMPLATE_KEY in name.lower():
            raise GgufError(TEMPLATE, name=name)
        seen.add(name)
        value = _value(reader, name, reader.number("<I"))
        if value is not None:
            found[name] = value
    return found


def _value(reader: _Reader, name: str, kind: int) -> str | None:
    """A text or a number as text; lists are walked over and not kept."""
    if kind == STRING:
        return reader.text()
    if kind in SCALARS:
        layout = SCALARS[kind]
        (value,) = struct.unpack(layout, reader.take(struct.calcsize(layout)))
        return str(value)
    if kind != ARRAY:
        raise GgufError(BAD_ENTRY, name=name, reason="its type is unknown")
    inner, length = reader.number("<I"), reader.number("<Q")
    if inner in SCALARS:
        reader.take(length * struct.calcsize(SCALARS[inner]))
    elif inner == STRING:
        for _ in range(length):  # each takes eight bytes at least, so the header's limit ends it
            reader.text()
    else:
        raise GgufError(BAD_ENTRY, name=name, reason="a list may hold numbers and texts only")
    return None


def _tensors(reader: _Reader, count: int) -> Iterator[GgufTensor]:
    seen: set[str] = set()
    for _ in range(count):
        name = reader.text()
        if name in seen:
            raise GgufError(TWICE, name=name)
        seen.add(name)
        dimensions = reader.number("<I")
        if not 0 <= dimensions <= MAX_DIMENSIONS:
            raise GgufError(BAD_ENTRY, name=name, reason="it has too many dimensions")
        sides = tuple(reader.number("<Q") for _ in range(dimensions))
        kind = GGML_TYPES.get(reader.number("<I"))
        if kind is None:
            raise GgufError(BAD_ENTRY, name=name, reason="its type of numbers is unknown")
        if not all(0 < side < MAX_SIDE for side in sides):
            raise GgufError(BAD_ENTRY, name=name, reason="its shape is no list of lengths")
        if (sides[0] if sides else 1) % kind.block:
            raise GgufError(BAD_ENTRY, name=name, reason="its rows do not fill whole blocks")
        yield GgufTensor(name, kind, sides[::-1], start=reader.number("<Q"))


def _alignment(metadata: Mapping[str, str]) -> int:
    text = metadata.get(ALIGNMENT_KEY, str(DEFAULT_ALIGNMENT))
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 8 <= value <= 1 << 20 or value % 8:
        raise GgufError(BAD_ENTRY, name=ALIGNMENT_KEY, reason="it is no multiple of eight")
    return value


def _check_layout(tensors: tuple[GgufTensor, ...], data_bytes: int, alignment: int) -> None:
    """One tensor after the other, each on the next aligned byte; the last may be padded or not."""
    end = expected = 0
    for tensor in sorted(tensors, key=lambda item: item.start):
        if tensor.start != expected:
            raise GgufError(NOT_CONTIGUOUS, name=tensor.name, start=tensor.start, expected=expected)
        end = tensor.start + tensor.size_bytes
        expected = _aligned(end, alignment)
    if not end <= data_bytes <= expected:
        raise GgufError(WRONG_LENGTH, expected=end, actual=max(data_bytes, 0))


def _aligned(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def _check_count(count: int, limit: int, unit: str) -> None:
    if count > limit:
        raise GgufError(TOO_LARGE, limit=limit, unit=unit)
