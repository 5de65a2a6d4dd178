"""BlurHash of a picture: 4 x 3 cosine components in linear light.

Format: https://github.com/woltapp/blurhash, Algorithm.md.
"""

import math

import numpy as np
from PIL import Image

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
ACROSS, DOWN = 4, 3
SAMPLE_PIXELS = 32


def blurhash_of(picture: Image.Image) -> str:
    """28 characters that a client can paint as a blur before the picture loads."""
    small = picture.convert("RGB").resize((SAMPLE_PIXELS, SAMPLE_PIXELS), Image.Resampling.BOX)
    light = _to_linear(np.asarray(small, dtype=np.float64) / 255)
    factors = _factors(light)
    constant, waves = factors[0], factors[1:]
    loudest = float(np.abs(waves).max())
    level = max(0, min(82, math.floor(loudest * 166 - 0.5)))
    scale = (level + 1) / 166
    parts = [
        _digits((ACROSS - 1) + (DOWN - 1) * 9, 1),
        _digits(level, 1),
        _digits(_colour(constant), 4),
    ]
    parts += [_digits(_wave(wave / scale), 2) for wave in waves]
    return "".join(parts)


def _factors(light: np.ndarray) -> np.ndarray:
    """Cosine components, shape (DOWN * ACROSS, 3), row by row."""
    height, width = light.shape[:2]
    rows = np.cos(np.pi * np.outer(np.arange(DOWN), np.arange(height)) / height)
    columns = np.cos(np.pi * np.outer(np.arange(ACROSS), np.arange(width)) / width)
    found = np.einsum("yh,xw,hwc->yxc", rows, columns, light) / (width * height)
    found[1:, :] *= 2
    found[0, 1:] *= 2
    return np.asarray(found).reshape(-1, 3)


def _to_linear(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _to_srgb(value: float) -> int:
    clear = min(1.0, max(0.0, value))
    curved = clear * 12.92 if clear <= 0.0031308 else 1.055 * clear ** (1 / 2.4) - 0.055
    return int(curved * 255 + 0.5)


def _colour(constant: np.ndarray) -> int:
    red, green, blue = (_to_srgb(float(part)) for part in constant)
    return (red << 16) + (green << 8) + blue


def _wave(wave: np.ndarray) -> int:
    steps = [
        max(0, min(18, math.floor(math.copysign(math.sqrt(abs(part)), part) * 9 + 9.5)))
        for part in wave.tolist()
    ]
    return steps[0] * 361 + steps[1] * 19 + steps[2]


def _digits(value: int, length: int) -> str:
    return "".join(ALPHABET[value // 83 ** (length - place - 1) % 83] for place in range(length))
