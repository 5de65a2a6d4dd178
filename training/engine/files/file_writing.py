"""Writing files whole or not at all, and the hashes that their headers carry."""

from __future__ import annotations

import hashlib
import io
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
