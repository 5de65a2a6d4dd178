"""`/models/files/7/tensors/`: what the header of a safetensors file says."""

from dataclasses import dataclass

from django.urls import reverse

from hub.formats.safetensors_header import TensorInfo
from models_registry.models.file import ModelFile
from models_registry.models.model import Viewer
from models_registry.tensors import header_of

SHOWN = 500


@dataclass(frozen=True, slots=True)
class TensorRow:
    """One tensor: `shape` as people write it, sizes in bytes."""

    name: str
    dtype: str
    shape: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TensorsContext:
    """The first tensors that match, and what the author's program wrote into the file."""

    file: ModelFile
    model_url: str
    rows: list[TensorRow]
    found: int
    total: int
    query: str
    metadata: list[tuple[str, str]]


def tensors_context(*, viewer: Viewer, file: ModelFile, query: str) -> TensorsContext:
    """Reads the header from the store, never more of the file."""
    header = header_of(viewer=viewer, file=file)
    wanted = query.lower()
    found = [tensor for tensor in header.tensors if wanted in tensor.name.lower()]
    version = file.version
    return TensorsContext(
        file=file,
        model_url=f"{reverse('model', args=[version.model.slug])}?v={version.index}",
        rows=[_row(tensor) for tensor in found[:SHOWN]],
        found=len(found),
        total=len(header.tensors),
        query=query,
        metadata=sorted(header.metadata.items()),
    )


def _row(tensor: TensorInfo) -> TensorRow:
    shape = " × ".join(str(side) for side in tensor.shape) or "1"
    return TensorRow(tensor.name, str(tensor.dtype), shape, tensor.size_bytes)
