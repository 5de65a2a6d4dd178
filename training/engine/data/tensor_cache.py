"""Small files of tensors named by the hash of all that decides their values."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file


def cache_path(folder: Path, parts: list[Any]) -> Path:
    """Return the file for a value that these parts, plain data all, decide."""
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return folder / key[:2] / f"{key}.safetensors"


def read_cached(path: Path) -> dict[str, torch.Tensor] | None:
    """Return the tensors of a file; None where it is absent, or cut short by a machine's crash.

    They own their memory: mapped files of a large data set are more than Linux lets a process map.
    """
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError):
        return None


def write_cached(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write a file whole; another run may write the same one at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, beside)
    os.replace(beside, path)  # noqa: PTH105 - the atomic one
