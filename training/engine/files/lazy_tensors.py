"""Tensors that stay in their file until they are written to another: one at a time in memory.

A model is a dict of names to LazyTensor; merging and converting build another such dict, and
`save_lazy` walks over it. Nothing in a file is ever run: safetensors, or pickles by torch's own
reader of plain tensors, or by stand-ins for whatever else they name (foreign_pickles).
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open

from hub.formats.copying import in_pieces
from hub.formats.errors import FormatError
from hub.formats.safetensors_header import TensorInfo
from hub.formats.safetensors_writer import encode_header, write_header
from training.engine.errors import BaseModelError
from training.engine.files.file_writing import whole_file
from training.engine.files.number_formats import DTYPE_NAMES, DTYPES

PICKLE_SUFFIXES = (".ckpt", ".pt", ".pth", ".bin")
OLD_HASH_OFFSET, OLD_HASH_BYTES = 0x100000, 0x10000
NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class LazyTensor:
    """A tensor that is read, or computed, only when `read` is called."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    read: Callable[[], torch.Tensor] = field(compare=False)

    @classmethod
    def of(cls, tensor: torch.Tensor) -> LazyTensor:
        """Wrap a tensor that is in memory anyway."""
        return cls(tensor.dtype, tuple(tensor.shape), lambda: tensor)

    @property
    def size_bytes(self) -> int:
        """Return the length of the tensor in a file."""
        return self.dtype.itemsize * torch.Size(self.shape).numel()

    def to(self, dtype: torch.dtype | None) -> LazyTensor:
        """Return it in another number format; whole numbers stay as they are."""
        if dtype is None or dtype == self.dtype or not self.dtype.is_floating_point:
            return self
        return replace(self, dtype=dtype, read=lambda: self.read().to(dtype))

    def reshaped(self, *shape: int) -> LazyTensor:
        """Return the same numbers in another shape."""
        return replace(self, shape=shape, read=lambda: self.read().reshape(shape))

    def transposed(self) -> LazyTensor:
        """Return a matrix with rows and columns exchanged."""
        rows, columns = self.shape
        return replace(self, shape=(columns, rows), read=lambda: self.read().T)

    def rows(self, start: int, stop: int) -> LazyTensor:
        """Return the rows from `start` up to `stop`."""
        shape = (stop - start, *self.shape[1:])
        return replace(self, shape=shape, read=lambda: self.read()[start:stop])


LazyTensors = dict[str, LazyTensor]


@dataclass(frozen=True)
class TensorFile:
    """An opened file of tensors, with the metadata of its header (empty for a pickle)."""

    path: Path
    tensors: LazyTensors
    metadata: Mapping[str, str] = field(default_factory=dict)


def open_tensors(path: Path) -> TensorFile:
    """Open a safetensors file or a pickled state dict without reading its tensors.

    Raises BaseModelError where it cannot be read, or would have to run code to be read.
    """
    if not path.is_file():
        raise BaseModelError(f"There is no file {path}. Check the path.")
    if path.suffix.lower() in PICKLE_SUFFIXES:
        return TensorFile(path, _pickled(path))
    try:
        file = safe_open(path, framework="pt")
    except (OSError, SafetensorError) as error:
        raise BaseModelError(
            f"{path.name} cannot be read as safetensors: {error}. Get the file again."
        ) from error
    tensors = {name: _stored(file, name) for name in file.keys()}  # noqa: SIM118
    return TensorFile(path, tensors, file.metadata() or {})


def _stored(file: Any, name: str) -> LazyTensor:
    part = file.get_slice(name)
    dtype = DTYPES.get(part.get_dtype())
    if dtype is None:
        raise BaseModelError(
            f"The tensor {name} has the number format {part.get_dtype()}, which is not known here."
        )
    return LazyTensor(dtype, tuple(part.get_shape()), lambda: file.get_tensor(name))


def _pickled(path: Path) -> LazyTensors:
    """Return the tensors of a pickle; whatever else it holds (optimizers, counters) is left."""
    try:
        try:
            found = _plain_tensors(path)
        except pickle.UnpicklingError:  # it names classes, as those of a training program
            found = _tensors_beside_classes(path)
    except (OSError, RuntimeError, ValueError, EOFError, FormatError) as error:
        raise BaseModelError(
            f"{path.name} is damaged, or holds Python objects that could run code when it is "
            "read, so it was not opened. Get the model as .safetensors."
        ) from error
    if not found:
        raise BaseModelError(f"{path.name} holds no tensors. Choose a model file.")
    return found


def _plain_tensors(path: Path) -> LazyTensors:
    """Load tensors only; from torch's newer files they come page by page, as they are used."""
    try:
        data = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:  # files of torch before 1.6 cannot be mapped
        data = torch.load(path, map_location="cpu", weights_only=True)
    state = data.get("state_dict", data) if isinstance(data, dict) else {}
    return {str(n): LazyTensor.of(t) for n, t in state.items() if isinstance(t, torch.Tensor)}


def _tensors_beside_classes(path: Path) -> LazyTensors:
    from training.engine.files.foreign_pickles import open_foreign

    file = open_foreign(path)
    return {
        name: LazyTensor(DTYPES[note.code], note.shape, partial(file.read, note))
        for name, note in file.notes().items()
    }


@dataclass(frozen=True)
class SavedModel:
    """A file that was written; `tensor_sha256` is of the bytes behind the header."""

    path: Path
    size_bytes: int
    tensor_sha256: str


def save_lazy(path: Path, tensors: LazyTensors, metadata: Mapping[str, str]) -> SavedModel:
    """Write a safetensors file tensor by tensor; it appears whole or not at all."""
    with whole_file(path) as beside, beside.open("wb+") as out:
        digest, size = _write(out, tensors, metadata)
    return SavedModel(path, size, digest)


def save_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors in memory as a safetensors file, in place; the caller sees that it is whole."""
    with path.open("wb+") as out:
        _write(out, {name: LazyTensor.of(tensor) for name, tensor in tensors.items()}, metadata)


def _write(out: IO[bytes], tensors: LazyTensors, metadata: Mapping[str, str]) -> tuple[str, int]:
    """Write a file and return the SHA-256 of its tensors, and its size in bytes.

    Tensors are in the order that safetensors itself uses, and metadata in that of their names,
    which safetensors leaves to chance. The header carries the hashes that belong to its keys:
    sshs_model_hash (of the bytes behind the header) and sshs_legacy_hash (of the 64 KiB at 1 MiB,
    8 digits) beside ss_ keys, and modelspec.hash_sha256 beside modelspec.architecture.
    """
    infos = list(_laid_out(tensors))
    first = encode_header(_with_hashes(metadata, NO_DIGEST, NO_DIGEST[:8]), infos)
    write_header(out, first)
    digest = hashlib.sha256()
    for info in infos:
        digest.update(_written(out, tensors[info.name], info.name))
    size = out.tell()
    old = _old_hash(out, len(first) - len(encode_header(_of_training(metadata), infos)))
    final = encode_header(_with_hashes(metadata, digest.hexdigest(), old), infos)
    out.seek(0)
    write_header(out, final)  # as long as the first: only the digits differ
    return digest.hexdigest(), size


def _laid_out(tensors: LazyTensors) -> Iterable[TensorInfo]:
    position = 0
    places = {dtype: place for place, dtype in enumerate(DTYPES.values())}
    for name, tensor in sorted(tensors.items(), key=lambda item: (places[item[1].dtype], item[0])):
        end = position + tensor.size_bytes
        yield TensorInfo(name, DTYPE_NAMES[tensor.dtype], tensor.shape, position, end)
        position = end


def _written(out: IO[bytes], planned: LazyTensor, name: str) -> Any:
    tensor = planned.read()
    if tensor.dtype != planned.dtype or tuple(tensor.shape) != planned.shape:
        raise BaseModelError(
            f"The tensor {name} came out as {tuple(tensor.shape)} {tensor.dtype}, and "
            f"{planned.shape} {planned.dtype} was announced, so no file was written."
        )
    data: Any = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    out.writelines(in_pieces(memoryview(data)))  # the array is a buffer: nothing is copied
    return data


def _of_training(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if key.startswith("ss_")}


def _old_hash(out: IO[bytes], longer: int) -> str:
    """Return the legacy hash as of a file whose header is shorter: of one with ss_ keys alone."""
    out.seek(OLD_HASH_OFFSET + longer)
    return hashlib.sha256(out.read(OLD_HASH_BYTES)).hexdigest()[:8]


def _with_hashes(metadata: Mapping[str, str], digest: str, old: str) -> dict[str, str]:
    found = dict(metadata)
    if any(key.startswith("ss_") for key in metadata):
        found |= {"sshs_model_hash": digest, "sshs_legacy_hash": old}
    if "modelspec.architecture" in metadata:
        found["modelspec.hash_sha256"] = f"0x{digest}"
    return dict(sorted(found.items()))  # safetensors reads metadata in no order of its own
