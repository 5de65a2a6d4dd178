"""Embeddings that A1111 shares as pictures, in a PNG's text or in the pixels; nothing is run.

https://github.com/AUTOMATIC1111/stable-diffusion-webui/blob/master/modules/textual_inversion/image_embedding.py
Text `sd-ti-embedding`: base64 of JSON, where {"TORCHTENSOR": [[…]]} is a tensor. Pixels: the low
halves of bytes left of the picture are the low halves of a zlib stream of the same JSON, those
right of it the high halves, each mixed with a fixed sequence; a black column parts them from it.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from itertools import accumulate, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from hub.formats.errors import ImageMetadataError
from hub.formats.generation.png import read_png_text
from training.engine.errors import ConfigError

PICTURE_SUFFIXES = (".png", ".webp")
TEXT_NAME = "sd-ti-embedding"
MAX_PIXELS = 64_000_000
MAX_JSON_BYTES = 64 << 20
ZLIB_BEGIN = 0x78
LOW_HALF = np.uint8(0x0F)
Bytes = NDArray[np.uint8]


def is_picture(path: Path) -> bool:
    """Whether a file may be an embedding in a picture, by its ending."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def word_of(path: Path) -> str:
    """Return the word that an embedding answers to: the name in a PNG's text, or the file's."""
    if not is_picture(path):
        return path.stem
    try:
        name = _in_text(path).get("name")
    except (ConfigError, ImageMetadataError):
        name = None
    return name.strip() or path.stem if isinstance(name, str) else path.stem


def read_picture_embedding(path: Path) -> dict[Any, Any]:
    """Return what A1111 would unpickle from a .pt file; tensors in float32.

    Raises ConfigError for a picture without an embedding.
    """
    try:
        data = _in_text(path) or _in_pixels(path)
    except (OSError, ImageMetadataError, Image.DecompressionBombError, zlib.error) as error:
        raise ConfigError(f"{path.name} cannot be read as a picture: {error}") from error
    if not data:
        raise ConfigError(f"{path.name} is a picture without an embedding.")
    return data


def _in_text(path: Path) -> dict[Any, Any]:
    if path.suffix.lower() != ".png":
        return {}
    text = read_png_text(path).texts.get(TEXT_NAME, "")
    try:
        return _decoded(base64.b64decode(text), path) if text else {}
    except binascii.Error as error:
        raise ConfigError(f"{path.name} holds an embedding that is damaged: {error}") from error


def _in_pixels(path: Path) -> dict[Any, Any]:
    with Image.open(path) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise OSError(f"it has more than {MAX_PIXELS} pixels")
        values = _without_border(np.asarray(picture.convert("RGB"))) & LOW_HALF
    empty = np.flatnonzero(values.sum(axis=(0, 2)) == 0)
    if len(empty) < 2:
        return {}
    left, right = values[:, : empty.min()], values[:, empty.max() + 1 :]
    if left.size == 0 or left.size != right.size or _bytes(left[:1], right[:1])[0] != ZLIB_BEGIN:
        return {}
    stream = zlib.decompressobj().decompress(_bytes(left, right), MAX_JSON_BYTES)
    return _decoded(stream, path)


def _without_border(pixels: Bytes) -> Bytes:
    """Return the picture (h, w, 3) without black rows and columns at its sides."""
    seen = np.all(pixels > 0, axis=2)
    rows, columns = (np.flatnonzero(np.any(seen, axis=axis)) for axis in (1, 0))
    if not len(rows):
        return pixels[:0, :0]
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _bytes(low: Bytes, high: Bytes) -> bytes:
    return bytes(((_unmixed(high) << 4) | _unmixed(low)).tobytes())


def _unmixed(block: Bytes) -> Bytes:
    """Undo the mixing with a linear congruential sequence; it begins anew in each block."""
    seeds = accumulate(repeat(0, block.size + 1), _next_seed)
    next(seeds)
    sequence = np.fromiter((seed % 255 for seed in seeds), dtype=np.uint8, count=block.size)
    return block ^ (sequence.reshape(block.shape) & LOW_HALF)


def _next_seed(seed: int, _: int) -> int:
    return (1664525 * seed + 1013904223) % 2**32


def _decoded(stream: bytes, path: Path) -> dict[Any, Any]:
    def built(found: dict[str, Any]) -> Any:
        if "TORCHTENSOR" not in found:
            return found
        return torch.tensor(found["TORCHTENSOR"], dtype=torch.float32)

    try:
        data = json.loads(stream, object_hook=built)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path.name} holds an embedding that is damaged: {error}") from error
    return data if isinstance(data, dict) else {}
