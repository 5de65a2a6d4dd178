"""Opening pictures of any origin as upright RGB, and cutting them to a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from training.engine.errors import DatasetError

MAX_PIXELS = 180_000_000
MIN_SIDE = 16
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class CutPicture:
    """A picture at the size of its bucket; `offset` is where the cut began, in resized pixels."""

    pixels: np.ndarray  # (height, width, 3), uint8
    original_size: tuple[int, int]  # (width, height) after the crop of the manifest
    offset: tuple[int, int]  # (left, top)


def open_picture(path: Path) -> Image.Image:
    """Open a picture as upright RGB: first frame, transparency on white, 16 bits scaled to 8.

    Raises DatasetError naming the file where it cannot be used.
    """
    try:
        with Image.open(path) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise DatasetError(
                    f"{path.name} has {width} × {height} pixels, more than the limit of "
                    f"{MAX_PIXELS:,} in all. Make it smaller."
                )
            opened.seek(0)
            opened.load()
            picture = ImageOps.exif_transpose(opened) or opened
            picture = _to_rgb(picture)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise DatasetError(f"{path.name} cannot be read as a picture: {error}") from error
    if min(picture.size) < MIN_SIDE:
        raise DatasetError(
            f"{path.name} is {picture.width} × {picture.height} pixels; "
            f"the shorter side needs at least {MIN_SIDE}."
        )
    return picture


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        values = np.asarray(picture, dtype=np.float64)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        picture = Image.fromarray((values / top * 255).round().clip(0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        with_alpha = picture.convert("RGBA")
        paper = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(paper, with_alpha)
    return picture.convert("RGB")


def inside(crop: Box | None, size: tuple[int, int]) -> Box:
    """Return (left, top, right, bottom) of a crop kept inside a picture; None is all of it."""
    if crop is None:
        return (0, 0, *size)
    left, top = max(0, min(crop[0], size[0] - 1)), max(0, min(crop[1], size[1] - 1))
    right, bottom = min(size[0], left + max(1, crop[2])), min(size[1], top + max(1, crop[3]))
    return (left, top, right, bottom)


def cut(picture: Image.Image, crop: Box | None, bucket: tuple[int, int]) -> CutPicture:
    """Return the picture, cropped, resized to cover the bucket and cut to it from the middle."""
    region = picture.crop(inside(crop, picture.size)) if crop else picture
    scale = max(bucket[0] / region.width, bucket[1] / region.height)
    size = (
        max(bucket[0], round(region.width * scale)),
        max(bucket[1], round(region.height * scale)),
    )
    resized = region if size == region.size else region.resize(size, Image.Resampling.LANCZOS)
    left, top = (size[0] - bucket[0]) // 2, (size[1] - bucket[1]) // 2
    part = resized.crop((left, top, left + bucket[0], top + bucket[1]))
    return CutPicture(np.asarray(part), region.size, (left, top))


def cut_mask(
    path: Path, crop: Box | None, bucket: tuple[int, int], latent: tuple[int, int]
) -> np.ndarray:
    """Return a mask at the size of the latent (height, width), float32 in 0 … 1."""
    try:
        with Image.open(path) as opened:
            mask = (ImageOps.exif_transpose(opened) or opened).convert("L").convert("RGB")
    except (OSError, ValueError) as error:
        raise DatasetError(f"The mask {path.name} cannot be read: {error}") from error
    pixels = Image.fromarray(cut(mask, crop, bucket).pixels).convert("L")
    small = pixels.resize((latent[1], latent[0]), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255
