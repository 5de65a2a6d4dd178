"""Torch files that hold other objects beside tensors, read without importing any of their classes.

So are the first checkpoints of SD 1.4 and 1.5, which kept the state of their training program, and
the first embeddings, whose vectors are in a ParameterDict; torch's own reader refuses both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hub.formats.conversion.stand_ins import Tensor
from hub.formats.conversion.torch_file import TorchFile, open_torch_file
from training.engine.files.number_formats import DTYPES


@dataclass(frozen=True)
class ForeignFile:
    """The content of a file, with notes of where the numbers of its tensors lie."""

    path: Path
    content: Any
    places: dict[str, tuple[int, int]]

    def read(self, note: Tensor) -> torch.Tensor:
        """Return the tensor of a note. Raises FormatError where its numbers are missing."""
        dtype = DTYPES[note.code]
        if not note.count:
            return torch.empty(note.shape, dtype=dtype)
        steps = zip(note.shape, note.strides, strict=True)
        reach = 1 + sum((side - 1) * step for side, step in steps)
        with self.path.open("rb") as stream:
            numbers = TorchFile(None, stream, self.places).read(
                note.storage, note.offset * dtype.itemsize, reach * dtype.itemsize
            )
        flat = torch.frombuffer(bytearray(numbers), dtype=dtype)
        return flat.as_strided(note.shape, note.strides)

    def notes(self) -> dict[str, Tensor]:
        """Return the notes of a state dict, or of the one in a checkpoint."""
        content = self.content if isinstance(self.content, dict) else {}
        state = content.get("state_dict", content)
        return {str(name): note for name, note in state.items() if isinstance(note, Tensor)}

    def with_tensors(self) -> Any:
        """Return the content with its tensors, the dictionaries and lists in it plain ones."""
        return self._filled(self.content)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.read(value)
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._filled(inner) for inner in value)
        return value


def open_foreign(path: Path) -> ForeignFile:
    """Open a torch file. Raises FormatError where it is none, or names what could do harm."""
    with path.open("rb") as stream, open_torch_file(stream) as file:
        return ForeignFile(path, file.content, file.places)
