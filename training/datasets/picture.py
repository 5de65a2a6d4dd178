"""Looking at the bytes of a picture within limits: size upright, notes, perceptual hash."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from django.utils.translation import gettext_noop
from PIL import Image, ImageOps, UnidentifiedImageError

from hub.storage.pictures import SEVERAL_JPEGS
from training.datasets.models.importing import Note, Outcome

MIN_SIDE = 16  # training refuses less
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF")
WIDE_MODES = ("I", "I;16", "I;16B", "I;16L", "F")
ORIENTATION_TAG = 0x0112
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
# Kept with the report, and translated for whoever reads it.
EMPTY_SENTENCE = gettext_noop("The file is empty.")
BROKEN_SENTENCE = gettext_noop("A part of it is missing or damaged. Save it anew or copy it again.")
HEIF_SENTENCE = gettext_noop("HEIC is not read here. Save it as JPEG or PNG.")


class UnusablePicture(Exception):
    """A file that cannot become part of a dataset."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True)
class SeenPicture:
    """Facts of a readable picture; width and height are those of the upright picture, in pixels."""

    width: int
    height: int
    content_type: str
    phash: int
    notes: tuple[Note, ...]


def look_at(data: bytes, *, max_pixels: int) -> SeenPicture:
    """Decode a picture once and tell what it is; content decides the type, never the name.

    Raises UnusablePicture with the outcome to report.
    """
    if not data:
        raise UnusablePicture(Outcome.NOT_AN_IMAGE, EMPTY_SENTENCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return _facts(image, max_pixels)
        except UnidentifiedImageError as error:
            said = HEIF_SENTENCE if is_heif(data) else ""
            raise UnusablePicture(Outcome.NOT_AN_IMAGE, said) from error
        except Image.DecompressionBombError as error:
            raise UnusablePicture(Outcome.TOO_LARGE, str(error)) from error
        except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError) as error:
            raise UnusablePicture(Outcome.BROKEN, BROKEN_SENTENCE) from error


def is_heif(data: bytes) -> bool:
    """Whether these are the bytes of a phone's HEIC picture (ISO/IEC 23008-12, its brands)."""
    return data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS


def to_rgb(image: Image.Image) -> Image.Image:
    """The picture as training sees it: 16 bits scaled to 8, transparent parts white."""
    if image.mode in WIDE_MODES:
        import numpy as np

        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        image = Image.fromarray((values / top * 255).round().clip(0, 255).astype(np.uint8))
    if has_transparency(image):
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, layer).convert("RGB")
    return image.convert("RGB")


def has_transparency(image: Image.Image) -> bool:
    """Whether the picture has an alpha channel or a transparent colour."""
    return "A" in image.getbands() or "transparency" in image.info


def _facts(image: Image.Image, max_pixels: int) -> SeenPicture:
    width, height = image.size
    from training.datasets.perceptual_hash import perceptual_hash  # and numpy, which pages need not

    if width * height > max_pixels:
        raise UnusablePicture(Outcome.TOO_LARGE, f"{width} × {height}")
    if min(width, height) < MIN_SIDE:
        raise UnusablePicture(Outcome.TOO_SMALL, f"{width} × {height}")
    notes = _notes(image)
    kind = "JPEG" if image.format == SEVERAL_JPEGS else image.format or ""
    content_type = Image.MIME.get(kind, "application/octet-stream")
    image.seek(0)
    image.load()
    upright = ImageOps.exif_transpose(image) or image
    return SeenPicture(
        width=upright.width,
        height=upright.height,
        content_type=content_type,
        phash=perceptual_hash(to_rgb(upright)),
        notes=notes,
    )


def _moves(image: Image.Image) -> bool:
    return image.format != SEVERAL_JPEGS and getattr(image, "n_frames", 1) > 1


def _notes(image: Image.Image) -> tuple[Note, ...]:
    facts = (
        (Note.TURNED, image.getexif().get(ORIENTATION_TAG, 1) not in (0, 1)),
        (Note.FIRST_FRAME, _moves(image)),
        (Note.FROM_CMYK, image.mode == "CMYK"),
        (Note.FROM_16_BIT, image.mode in WIDE_MODES),
        (Note.TRANSPARENT, has_transparency(image)),
    )
    return tuple(note for note, holds in facts if holds)
