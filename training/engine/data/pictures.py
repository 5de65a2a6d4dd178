"""Opening pictures of any origin as upright RGB, and cutting them to a bucket."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from training.engine.data.names import name_of
from training.engine.errors import DatasetError

MAX_PIXELS = 180_000_000
MIN_SIDE = 16
ORIENTATION_TAG = 0x0112
CONVERSIONS = {
    "turned": "Turned upright, as the EXIF data say",
    "animated": "Animated, so only the first picture is used",
    "cmyk": "Turned from CMYK into RGB",
    "deep": "Scaled to 8 bits a channel",
    "clear": "What is transparent was painted white",
}
"""What is done to pictures of other kinds before they are shown, in words for a report."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class CutPicture:
    """A picture at the size of its bucket; `offset` is where the cut began, in resized pixels."""

    pixels: np.ndarray  # (height, width, 3), or (height, width) of greys, uint8
    offset: tuple[int, int]  # (left, top)


def open_picture(path: Path, *, on_conversion: Callable[[str], None] | None = None) -> Image.Image:
    """Open a picture as upright RGB: first frame, transparency on white, 16 bits scaled to 8.

    `on_conversion` is told each key of CONVERSIONS that was done. Raises DatasetError naming the
    file where it cannot be used.
    """
    with _decoded(path) as opened:
        conversions = _conversions(opened)
        picture = _to_rgb(ImageOps.exif_transpose(opened) or opened)
    if min(picture.size) < MIN_SIDE:
        raise DatasetError(
            f"{name_of(path)} is {picture.width} × {picture.height} pixels; "
            f"the shorter side needs at least {MIN_SIDE}."
        )
    if on_conversion is not None:
        for conversion in conversions:
            on_conversion(conversion)
    return picture


def open_mask(path: Path, *, of_alpha: bool = False) -> Image.Image | None:
    """Open a mask as upright greys: a picture's own, or its alpha channel; None without one.

    Raises DatasetError naming the file where it cannot be used.
    """
    with _decoded(path) as opened:
        upright = ImageOps.exif_transpose(opened) or opened
        if not of_alpha:
            return upright.convert("L")
        return upright.convert("RGBA").getchannel("A") if _is_clear(upright) else None


@contextmanager
def _decoded(path: Path) -> Iterator[Image.Image]:
    """Give the first frame of a picture. Raises DatasetError naming the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our limit is below
            with Image.open(path) as opened:
                _refuse_endless(opened.size, path)
                opened.seek(0)
                opened.load()
                yield opened
    except DatasetError:
        raise
    except Image.DecompressionBombError as error:
        raise DatasetError(_too_many("far more pixels", path)) from error
    except Exception as error:  # decoders raise whatever they like at a broken file
        raise DatasetError(
            f"{name_of(path)} cannot be read as a picture: {_why(error, path)}"
        ) from error


def _why(error: Exception, path: Path) -> str:
    """Return what is wrong with a file, in words for who put it there."""
    if isinstance(error, UnidentifiedImageError):
        empty = path.stat().st_size == 0
        return "the file is empty." if empty else "it is none, or of a kind that is not known here."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    if "truncated" in str(error):
        return "it ends too early, so a part of the file is missing. Copy it again."
    return f"{str(error).rstrip('.')}."


def _refuse_endless(size: tuple[int, int], path: Path) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise DatasetError(_too_many(f"{size[0]} × {size[1]} pixels, more", path))


def _too_many(count: str, path: Path) -> str:
    return f"{name_of(path)} has {count} than the limit of {MAX_PIXELS:,} in all. Make it smaller."


def _is_clear(picture: Image.Image) -> bool:
    has_alpha = picture.getbands()[-1] in ("A", "a")  # the A of LAB is a colour
    return has_alpha or "transparency" in picture.info


def _conversions(opened: Image.Image) -> tuple[str, ...]:
    """Return the keys of CONVERSIONS that apply to a picture."""
    facts = {
        "turned": opened.getexif().get(ORIENTATION_TAG, 1) not in (0, 1),
        "animated": getattr(opened, "n_frames", 1) > 1,
        "cmyk": opened.mode == "CMYK",
        "deep": _is_deep(opened),
        "clear": _is_clear(opened),
    }
    return tuple(name for name, holds in facts.items() if holds)


def _is_deep(picture: Image.Image) -> bool:
    return picture.mode == "F" or picture.mode.startswith("I")


def _to_rgb(picture: Image.Image) -> Image.Image:
    if _is_deep(picture):
        values = np.asarray(picture, dtype=np.float64)
        most = values.max(initial=0)
        top = 65535.0 if ";16" in picture.mode or most > 255 else 255.0
        if picture.mode == "F" and most <= 1:
            top = 1.0
        picture = Image.fromarray((values / top * 255).round().clip(0, 255).astype(np.uint8))
    if _is_clear(picture):
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


def cut(
    picture: Image.Image,
    crop: Box | None,
    bucket: tuple[int, int],
    focus: tuple[float, float] = (0.5, 0.5),
) -> CutPicture:
    """Return the picture, cropped, resized to cover the bucket and cut to it around the focus.

    The focus (x, y) is a share of each side; the cut comes as near to it as the border allows.
    """
    resized = covered(picture, crop, bucket)
    left, top = cut_start(resized.size, bucket, focus)
    part = resized.crop((left, top, left + bucket[0], top + bucket[1]))
    return CutPicture(np.asarray(part), (left, top))


def cut_start(
    size: tuple[int, int], bucket: tuple[int, int], focus: tuple[float, float]
) -> tuple[int, int]:
    """Return where `cut` begins (left, top) in a picture of a size that covers the bucket."""
    return (_start(size[0], bucket[0], focus[0]), _start(size[1], bucket[1], focus[1]))


def covered(picture: Image.Image, crop: Box | None, bucket: tuple[int, int]) -> Image.Image:
    """Return the picture, cropped and resized to the least size that covers the bucket."""
    region = picture.crop(inside(crop, picture.size)) if crop else picture
    size = covering(region.size, bucket)
    return region if size == region.size else region.resize(size, Image.Resampling.LANCZOS)


def covering(size: tuple[int, int], bucket: tuple[int, int]) -> tuple[int, int]:
    """Return the least (width, height) in a picture's shape that covers a bucket."""
    scale = max(bucket[0] / size[0], bucket[1] / size[1])
    return (max(bucket[0], round(size[0] * scale)), max(bucket[1], round(size[1] * scale)))


def _start(whole: int, part: int, share: float) -> int:
    """Return where a part begins that has a share of the whole in its middle, kept inside it."""
    if share == 0.5:
        return (whole - part) // 2
    return max(0, min(whole - part, round(whole * share - part / 2)))


def cut_mask(
    mask: Image.Image,
    crop: Box | None,
    bucket: tuple[int, int],
    latent: tuple[int, int],
    focus: tuple[float, float] = (0.5, 0.5),
) -> np.ndarray:
    """Return a mask of greys at the size of the latent (height, width), float32 in 0 … 1."""
    pixels = cut(mask, crop, bucket, focus).pixels
    small = Image.fromarray(pixels).resize((latent[1], latent[0]), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255
