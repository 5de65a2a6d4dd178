"""Pixel arithmetic on RGBA icons: composite, name the main colour, recolour."""

import colorsys
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from training.base_models.tiny.recipe.world import HUES, RGB

Pixels = NDArray[np.uint8]

LUMA = np.array([0.3, 0.59, 0.11], np.float32)


def over(rgba: Pixels, background: RGB) -> Pixels:
    """Composite an (H, W, 4) icon over one colour; returns (H, W, 3)."""
    alpha = rgba[..., 3:4].astype(np.float32) / 255
    mixed = rgba[..., :3] * alpha + np.array(background, np.float32) * (1 - alpha)
    return mixed.round().clip(0, 255).astype(np.uint8)


def main_colour(rgba: Pixels) -> str | None:
    """Name the colour that covers most of the icon, or None where no colour leads."""
    opaque = rgba[rgba[..., 3] > 128][:, :3].astype(np.float32) / 255
    if len(opaque) < 50:
        return None
    value, chroma = opaque.max(1), opaque.max(1) - opaque.min(1)
    saturation = np.where(value > 0, chroma / np.maximum(value, 1e-6), 0)
    coloured = (saturation > 0.35) & (value > 0.25)
    if coloured.mean() < 0.35:
        return _grey_name(float(value[~coloured].mean()))
    return _hue_name(opaque[coloured])


def _grey_name(value: float) -> str:
    if value < 0.3:
        return "black"
    return "white" if value > 0.85 else "grey"


def _hue_name(pixels: NDArray[np.float32]) -> str | None:
    sample = pixels[:: max(1, len(pixels) // 300)]
    names = Counter(_nearest_hue(colorsys.rgb_to_hsv(*map(float, p))[0] * 360) for p in sample)
    name, count = names.most_common(1)[0]
    if count < len(sample) / 2:
        return None
    dark = float(pixels.max(1).mean()) < 0.6
    return "brown" if dark and name in {"orange", "red"} else name


def _nearest_hue(degrees: float) -> str:
    def distance(name: str) -> float:
        gap = abs(degrees - HUES[name])
        return min(gap, 360 - gap)

    return min(HUES, key=distance)


def recolour(rgba: Pixels, hue: str) -> Pixels:
    """Give every coloured pixel one hue and keep its lightness; greys (eyes, teeth) stay."""
    rgb = rgba[..., :3].astype(np.float32) / 255
    light = (rgb * LUMA).sum(-1, keepdims=True)
    chroma = (rgb.max(-1) - rgb.min(-1))[..., None]
    colour = np.array(colorsys.hsv_to_rgb(HUES[hue] / 360, 0.85, 0.95), np.float32)
    pivot = float((colour * LUMA).sum())
    tint = np.where(
        light < pivot,
        colour * (light / pivot),
        colour + (1 - colour) * ((light - pivot) / (1 - pivot)),
    )
    share = np.clip(chroma * 2.2, 0, 1)
    out = rgba.copy()
    out[..., :3] = ((tint * share + rgb * (1 - share)) * 255).clip(0, 255).astype(np.uint8)
    return out


def stands_out(rgba: Pixels, background: RGB, least: float = 60.0) -> bool:
    """Whether at least a third of the icon's outline differs visibly from the background."""
    alpha = rgba[..., 3] > 128
    inner = alpha.copy()
    for axis in (0, 1):
        for shift in (-4, 4):
            inner &= np.roll(alpha, shift, axis)
    rim = rgba[alpha & ~inner][:, :3].astype(np.float32)
    if len(rim) == 0:
        return False
    distance = np.linalg.norm(rim - np.array(background, np.float32), axis=1)
    return float((distance > least).mean()) > 1 / 3
