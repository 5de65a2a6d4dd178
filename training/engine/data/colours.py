"""Weak changes of colour, so that a run does not hold on to one lighting (colour augmentation).

Latents are cached, so a picture has a fixed number of changed copies instead of a new one in each
step: which copy a step shows is drawn, what it looks like follows from the picture alone. The
range is that of kohya's `color_aug`: 5 of 180 degrees of hue, 8 of 255 of saturation, 5 % of gamma.
"""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from training.engine import randomness

HUE, SATURATION, GAMMA = 7, 8, 0.05


def recoloured(pixels: np.ndarray, sha256: str, number: int) -> np.ndarray:
    """Return a copy of pixels (h, w, 3) in uint8 with other colours; the same for one number."""
    seed = int.from_bytes(hashlib.sha256(sha256.encode()).digest()[:8], "little")
    hue, saturation, gamma = randomness.generator(seed, "colour change", number).uniform(-1, 1, 3)
    parts = np.asarray(Image.fromarray(pixels).convert("HSV"), dtype=np.int16).copy()
    parts[..., 0] = (parts[..., 0] + round(HUE * hue)) % 256
    parts[..., 1] = (parts[..., 1] + round(SATURATION * saturation)).clip(0, 255)
    changed = Image.fromarray(parts.astype(np.uint8), "HSV").convert("RGB")
    values = np.asarray(changed, dtype=np.float32) / 255
    return (values ** (1 + GAMMA * gamma) * 255).round().astype(np.uint8)
