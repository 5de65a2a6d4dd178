"""Drawing styles that are made from the icons by image filters."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from training.base_models.tiny.recipe.colours import Pixels

PIXEL_BLOCK = 8
"""Side in pixels; a block is one latent cell, so it stays sharp through the autoencoder."""
INK = (40, 40, 48)
NIGHT = (12, 8, 30)


def pixelate(rgba: Pixels, block: int = PIXEL_BLOCK, levels: int = 6) -> Pixels:
    """Turn an icon into pixel art: square blocks, few levels per channel, hard alpha."""
    side = rgba.shape[0] // block
    alpha = rgba[..., 3:4].astype(np.float32)
    sums = _block_mean(rgba[..., :3] * alpha, side, block)
    cover = _block_mean(alpha, side, block)
    rgb = sums / np.maximum(cover, 1e-3)
    rgb = (rgb / 255 * (levels - 1)).round() / (levels - 1) * 255
    small = np.concatenate([rgb, np.where(cover > 110, 255, 0)], -1)
    return small.clip(0, 255).astype(np.uint8).repeat(block, 0).repeat(block, 1)


def _block_mean(x: NDArray[np.float32], side: int, block: int) -> NDArray[np.float32]:
    return x.reshape(side, block, side, block, -1).mean((1, 3))


def contours(rgba: Pixels, threshold: float = 34.0) -> NDArray[np.float32]:
    """Return how strongly each pixel lies on a contour, 0..1, from colour and alpha steps."""
    premultiplied = rgba.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:4] / 255
    lines = np.zeros(rgba.shape[:2], np.float32)
    for axis in (0, 1):
        step = np.roll(premultiplied, -1, axis) - np.roll(premultiplied, 1, axis)
        lines = np.maximum(lines, np.abs(step).max(-1))
    return np.clip((lines - threshold) / threshold, 0, 1)


def sketch(rgba_double: Pixels) -> Pixels:
    """Draw dark contours on white paper; takes the icon at twice the size, returns it halved."""
    lines = Image.fromarray((contours(rgba_double) * 255).astype(np.uint8))
    thick = np.asarray(lines.filter(ImageFilter.MaxFilter(5)), np.float32)[..., None] / 255
    inside = rgba_double[..., 3:4].astype(np.float32) / 255
    rgb = np.array(INK, np.float32) * thick + 255.0 * (1 - thick)
    alpha = np.maximum(inside, thick) * 255
    return halve(np.concatenate([np.broadcast_to(rgb, (*thick.shape[:2], 3)), alpha], -1))


def neon(rgba_double: Pixels) -> Pixels:
    """Draw glowing coloured contours on near-black; twice the size in, opaque picture out."""
    unit = rgba_double.shape[0] // 256
    line = Image.fromarray((contours(rgba_double) * 255).astype(np.uint8))
    core = np.asarray(line.filter(ImageFilter.MaxFilter(4 * unit + 1)), np.float32)[..., None] / 255
    rgb = rgba_double[..., :3].astype(np.float32)
    local = Image.fromarray(rgba_double[..., :3]).filter(ImageFilter.MaxFilter(8 * unit + 1))
    blur = ImageFilter.GaussianBlur(6 * unit)
    tube = _vivid(np.asarray(local.filter(blur), np.float32))
    halo = Image.fromarray((core[..., 0] * 255).astype(np.uint8)).filter(blur)
    glow = np.clip(np.asarray(halo, np.float32)[..., None] / 255 * 1.5, 0, 0.75)
    fill = rgb * (rgba_double[..., 3:4] / 255) * 0.12
    out = fill + np.array(NIGHT, np.float32) + tube * glow
    out = out * (1 - core) + (tube * 0.65 + 255 * 0.35) * core
    return halve(np.concatenate([out, np.full((*core.shape[:2], 1), 255.0)], -1))


def _vivid(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = rgb.min(-1, keepdims=True), rgb.max(-1, keepdims=True)
    chroma = high - low
    tinted = (rgb - low) / np.maximum(chroma, 1) * 255
    default = np.array((90, 230, 255), np.float32)
    return np.where(chroma > 40, tinted * 0.9 + 25, default)


def halve(rgba: NDArray[np.float32]) -> Pixels:
    """Halve an (H, W, 4) picture with premultiplied alpha."""
    alpha = rgba[..., 3:4].astype(np.float32)
    side = rgba.shape[0] // 2
    cover = _block_mean(alpha, side, 2)
    rgb = _block_mean(rgba[..., :3] * alpha, side, 2) / np.maximum(cover, 1e-3)
    return np.concatenate([rgb, cover], -1).round().clip(0, 255).astype(np.uint8)
