"""Pictures for pages: facts for a jump-free layout, and WebP renditions made once and kept.

A picture's address carries a signature of its SHA-256, so that knowing the hash of a private
picture gives no access. The address of a public one never changes; that of any other ends after
one to two days. The signature stands in the path, where Civitai has the key of its account:
programs name the files that they save by what follows the last slash.
"""

import base64
import hashlib
import hmac
import io
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from hub.core.errors import Invalid, NotFound, TooLarge
from hub.storage.blobs import open_blob, scratch_folder
from hub.storage.models import Blob
from hub.storage.picture_part import picture_bytes

DAY_SECONDS = 86_400
INSTANT = re.compile(r"[0-9]{1,12}")
PLACEHOLDER_PIXELS = 16
WEBP_QUALITY = 82
BROKEN = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
)
TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
}
#: What Pillow calls a phone's JPEG with more pictures behind it: browsers show the first.
SEVERAL_JPEGS = "MPO"


class StoredPicture(Protocol):
    """What a picture's address is made of: a Blob, or these two columns of one."""

    @property
    def sha256(self) -> str:
        """Lower-case hexadecimal."""

    @property
    def content_type(self) -> str:
        """Such as `image/png`."""


@dataclass(frozen=True)
class PictureFacts:
    """What a page needs to know before a picture loads; sizes are as displayed (EXIF turned)."""

    width: int
    height: int
    content_type: str
    average_colour: str
    placeholder: str
    blurhash: str
    frames: int


def inspect_picture(source: Path | BinaryIO) -> PictureFacts:
    """Decode a picture; raises TooLarge over the pixel limit.

    Raises Invalid when it is none, is broken, or holds what no picture does (`picture_end`).
    """
    from hub.storage.blurhash import blurhash_of  # numpy: a process that serves pages needs none

    picture_bytes(source)
    picture, frames, content_type = _decoded(source)
    small = picture.resize((PLACEHOLDER_PIXELS, PLACEHOLDER_PIXELS), Image.Resampling.BOX)
    red, green, blue = small.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    tiny = io.BytesIO()
    small.save(tiny, "WEBP", quality=40)
    return PictureFacts(
        width=picture.width,
        height=picture.height,
        content_type=content_type,
        average_colour=f"#{red:02x}{green:02x}{blue:02x}",
        placeholder="data:image/webp;base64," + base64.b64encode(tiny.getvalue()).decode(),
        blurhash=blurhash_of(picture),
        frames=frames,
    )


def picture_url(
    blob: StoredPicture, width: int | None = None, *, public: bool = False, name: str = "picture"
) -> str:
    """Address of the picture, at one of THUMBNAIL_WIDTHS or (None) as it was uploaded."""
    return picture_urls(width, public=public)(blob, name)


def picture_urls(
    width: int | None = None, *, public: bool = False
) -> Callable[[StoredPicture, str], str]:
    """Return what makes addresses of pictures and their names, all as in `picture_url`."""
    size = f"width={snap_width(width)}" if width else "original=true"
    expires = 0 if public else (int(time.time()) // DAY_SECONDS + 2) * DAY_SECONDS
    secret = settings.SECRET_KEY

    def address(blob: StoredPicture, name: str) -> str:
        sha256 = blob.sha256
        signature = _kept_signature(secret, sha256, expires)
        extension = "webp" if width else blob.content_type.rpartition("/")[2]
        return f"/media/{expires}.{signature}/{sha256}/{size}/{name}.{extension}"

    return address


def check_signature(sha256: str, *, key: str) -> None:
    """Raises NotFound unless the address was made here and its time is not over."""
    expires, _dot, signature = key.partition(".")
    number = int(expires) if INSTANT.fullmatch(expires) else -1
    right = number >= 0 and hmac.compare_digest(
        _signature(settings.SECRET_KEY, sha256, number).encode(), signature.encode()
    )
    if not right or (number and number < time.time()):
        raise NotFound(_("There is no such picture, or its link has expired. Reload the page."))


def rendition(blob: Blob, width: int) -> Path:
    """A WebP file at most `width` wide, made on the first request and kept without metadata."""
    wanted = snap_width(width)
    folder = Path(settings.ATELIER_HOME) / "renditions" / blob.sha256[:2]
    target = folder / f"{blob.sha256}-{wanted}.webp"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with open_blob(blob) as file:
        picture, _frames, _type = _decoded(file, mode="RGBA")
    if picture.width > wanted:
        height = max(1, round(picture.height * wanted / picture.width))
        picture = picture.resize((wanted, height), Image.Resampling.LANCZOS)
    if picture.getchannel("A").getextrema() == (255, 255):
        picture = picture.convert("RGB")
    partial = scratch_folder() / f"{target.name}.{time.monotonic_ns()}"
    picture.save(partial, "WEBP", quality=WEBP_QUALITY, method=4)
    partial.replace(target)
    return target


def snap_width(width: int) -> int:
    """The smallest offered width that is not below the wish, else the largest."""
    return _snapped(width, tuple(settings.THUMBNAIL_WIDTHS))


@lru_cache(maxsize=256)
def _snapped(width: int, offered: tuple[int, ...]) -> int:
    return next((step for step in offered if step >= width), offered[-1])


def _decoded(source: Path | BinaryIO, mode: str = "RGB") -> tuple[Image.Image, int, str]:
    """First frame, turned as EXIF says, in `mode`; number of frames; content type."""
    try:
        with Image.open(source, formats=tuple(TYPES)) as opened:
            _check_pixels(opened)
            frames, kind = getattr(opened, "n_frames", 1), opened.format or ""
            if kind == SEVERAL_JPEGS:
                frames, kind = 1, "JPEG"
            opened.load()
            picture = _eight_bit(ImageOps.exif_transpose(opened)).convert(mode)
    except BROKEN as error:
        raise Invalid(
            _(
                "This is not a picture that the hub reads (PNG, JPEG, WebP, AVIF, GIF, BMP), or "
                "the file is broken. Save it again as PNG."
            )
        ) from error
    return picture, frames, TYPES[kind]


def _eight_bit(picture: Image.Image) -> Image.Image:
    """16 bits a channel brought down to 8; Pillow's own conversion would clip them to white."""
    if not picture.mode.startswith("I"):
        return picture
    import numpy as np

    return Image.fromarray(
        (np.asarray(picture).astype(np.uint32) >> 8).clip(0, 255).astype("uint8")
    )


def _check_pixels(opened: Image.Image) -> None:
    if opened.width * opened.height > settings.IMAGE_MAX_PIXELS:
        raise TooLarge(
            _(
                "The picture has %(width)s x %(height)s pixels; the limit is %(limit)s in all. "
                "Make it smaller and send it again."
            )
            % {
                "width": opened.width,
                "height": opened.height,
                "limit": settings.IMAGE_MAX_PIXELS,
            }
        )


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"picture:" + secret.encode()).digest()


def _signature(secret: str, sha256: str, expires: int) -> str:
    digest = hmac.digest(_key(secret), f"{sha256}:{expires}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


#: For addresses that we give out: a list of 100 models has many hundreds, mostly the same ones.
_kept_signature = lru_cache(maxsize=16_384)(_signature)
