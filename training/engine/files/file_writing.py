"""Writing files whole or not at all, and the hashes that their headers carry."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import struct
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

READ_BYTES = 1 << 20
_FIRST_PARTS = re.compile(r"archive/(?:data/\d+|version|data\.pkl)")
PART = ".part"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path beside the target to write to; afterwards it is moved over the target at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{PART}")
    try:
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)  # noqa: PTH105 - the atomic one
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small UTF-8 text file whole."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def remove_leftovers(folder: Path) -> None:
    """Delete what a killed run had begun to write."""
    for path in folder.rglob(f".*{PART}"):
        path.unlink(missing_ok=True)


def save_tensors(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file whose header holds the hashes of its own tensors.

    Adds sshs_model_hash (SHA-256 of the bytes after the header), sshs_legacy_hash (of the 64 KiB
    at 1 MiB, 8 digits) and modelspec.hash_sha256, where the metadata carry ss_ or modelspec keys.
    The legacy hash depends on the length of the header: as in kohya's, of one with ss_ keys alone.
    """
    of_training = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    save_file(dict(sorted(tensors.items())), path, metadata=of_training or metadata or None)
    if not of_training:
        return
    digest = tensor_hash(path)
    added = {"sshs_model_hash": digest, "sshs_legacy_hash": window_hash(path)}
    if "modelspec.architecture" in metadata:
        added["modelspec.hash_sha256"] = f"0x{digest}"
    rewrite_metadata(path, {**metadata, **added})


def save_pt(path: Path, data: dict[Any, Any]) -> None:
    """Write tensors and plain data as a .pt whose parts are those that torch 1.6 wrote.

    A1111 and Forge open no archive in which there is anything else, and later versions of torch
    add their own notes to it (.format_version, byteorder and others), which none needs to read it.
    https://github.com/AUTOMATIC1111/stable-diffusion-webui/blob/master/modules/safe.py
    """
    written = io.BytesIO()
    torch.save(data, written)
    with zipfile.ZipFile(written) as whole, zipfile.ZipFile(path, "w") as kept:
        for part in whole.infolist():
            if _FIRST_PARTS.fullmatch(part.filename):
                kept.writestr(zipfile.ZipInfo(part.filename), whole.read(part))


def tensor_hash(path: Path) -> str:
    """Return the SHA-256 of everything after a safetensors header."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        file.seek(8 + length)
        return hashlib.file_digest(file, "sha256").hexdigest()


def window_hash(path: Path) -> str:
    """Return the first 8 digits of the SHA-256 of 64 KiB at offset 1 MiB (A1111's old hash)."""
    with path.open("rb") as file:
        file.seek(0x100000)
        return hashlib.sha256(file.read(0x10000)).hexdigest()[:8]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rewrite_metadata(path: Path, metadata: dict[str, str]) -> None:
    """Give a safetensors file other metadata; its tensors stay byte for byte."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        header["__metadata__"] = metadata
        ordered = {"__metadata__": header.pop("__metadata__"), **header}
        text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with whole_file(path) as beside, beside.open("wb") as target:
            target.write(struct.pack("<Q", len(text)) + text)
            while block := file.read(READ_BYTES):
                target.write(block)
