"""Perceptual hash of a picture: 63 bits of its lowest frequencies; near pictures are near."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 32
FREQUENCIES = 8
LOOK_ALIKE_BITS = 5


def perceptual_hash(image: Image.Image) -> int:
    """Hash of an RGB or grey image, 0 to 2**63 - 1, so that it fits a signed column.

    Box-reduced to 32 x 32, type II cosine transform, sign of each of the 8 x 8 lowest coefficients
    against their median (the mean brightness is left out of it).
    """
    grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    pixels = np.asarray(grey, dtype=np.float64)
    basis = _cosines()
    low = (basis @ pixels @ basis.T).ravel()
    bits = low > np.median(low[1:])
    bits[0] = False
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def distance(first: int, second: int) -> int:
    """Number of bits in which two hashes differ, 0 to 63."""
    return (first ^ second).bit_count()


def nearest(value: int, others: npt.NDArray[np.int64]) -> tuple[int, int] | None:
    """Index and distance of the hash in `others` that is nearest to `value`; None when empty."""
    if others.size == 0:
        return None
    bits = np.bitwise_count(others ^ np.int64(value))
    index = int(np.argmin(bits))
    return index, int(bits[index])


def as_array(values: Sequence[int]) -> npt.NDArray[np.int64]:
    """The hashes as one array that `nearest` searches."""
    return np.asarray(values, dtype=np.int64)


@cache
def _cosines() -> npt.NDArray[np.float64]:
    frequency = np.arange(FREQUENCIES)[:, None]
    place = np.arange(SIDE)[None, :]
    return np.cos(np.pi * (2 * place + 1) * frequency / (2 * SIDE))
