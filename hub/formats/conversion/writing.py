"""Copying numbers from a torch file into a safetensors file, a piece at a time."""

from collections.abc import Iterator, Mapping
from typing import IO, Literal

from hub.formats.conversion.naming import Weights
from hub.formats.conversion.problems import OUTPUT_TOO_LARGE, UNSUPPORTED, ConversionError
from hub.formats.conversion.stand_ins import ITEM_BYTES, Tensor
from hub.formats.conversion.torch_file import TorchFile
from hub.formats.copying import COPY_BYTES
from hub.formats.safetensors_header import TensorInfo
from hub.formats.safetensors_writer import encode_header, write_header

GATHER_BYTES = 256 << 20
CAST: Mapping[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}


def write_weights(
    source: TorchFile, weights: Weights, out: IO[bytes], *, max_bytes: int, about: dict[str, str]
) -> int:
    """Write the file; returns its length. Raises ConversionError before a byte of one too long."""
    # The widest numbers first, so that every tensor is aligned to its own.
    ordered = sorted(weights.tensors.items(), key=lambda item: (-ITEM_BYTES[item[1].code], item[0]))
    infos, position = [], 0
    for name, tensor in ordered:
        end = position + tensor.size_bytes
        infos.append(TensorInfo(name, tensor.code, tensor.shape, position, end))
        position = end
    raw = encode_header({"format": "pt", **weights.metadata, **about}, infos)
    if len(raw) + 8 + position > max_bytes:
        raise ConversionError(OUTPUT_TOO_LARGE, limit=max_bytes)
    write_header(out, raw)
    for name, tensor in ordered:
        for piece in _numbers(source, name, tensor):
            out.write(piece)
    out.flush()
    return len(raw) + 8 + position


def _numbers(source: TorchFile, name: str, tensor: Tensor) -> Iterator[bytes]:
    """The numbers in row order."""
    item = ITEM_BYTES[tensor.code]
    if not tensor.count:
        return
    if _is_contiguous(tensor):
        start, left = tensor.offset * item, tensor.size_bytes
        while left:
            size = min(left, COPY_BYTES)
            yield source.read(tensor.storage, start, size)
            start, left = start + size, left - size
        return
    reach = 1 + sum(
        (side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True)
    )
    if reach * item > GATHER_BYTES:
        raise ConversionError(UNSUPPORTED, name=name, reason="it is a large view of other numbers")
    data = memoryview(source.read(tensor.storage, tensor.offset * item, reach * item))
    yield from _gathered(data.cast(CAST[item]), tensor.shape, tensor.strides)


def _gathered(
    numbers: "memoryview[int]", shape: tuple[int, ...], strides: tuple[int, ...]
) -> Iterator[bytes]:
    if len(shape) == 1:
        side, step = shape[0], strides[0]
        if step == 0:
            yield bytes(numbers[:1]) * side
        else:
            yield numbers[: (side - 1) * step + 1 : step].tobytes()
        return
    for index in range(shape[0]):
        yield from _gathered(numbers[index * strides[0] :], shape[1:], strides[1:])


def _is_contiguous(tensor: Tensor) -> bool:
    expected = 1
    for side, step in zip(reversed(tensor.shape), reversed(tensor.strides), strict=True):
        if side != 1 and step != expected:
            return False
        expected *= side
    return True
