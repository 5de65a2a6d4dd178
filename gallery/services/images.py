"""Looking at picture files on their way in: cheaply before a post, thoroughly after an upload."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import ExifTags, UnidentifiedImageError
from PIL import Image as Picture

from gallery.services.generation_data import ReadGeneration, read_generation_data
from hub.accounts.models import User
from hub.core.errors import Conflict, Invalid, TooLarge
from hub.core.sizes import size_beside_limit
from hub.storage.blobs import ensure_local, local_path, scratch_folder
from hub.storage.models import Blob, UploadPurpose, UploadStatus
from hub.storage.pictures import SEVERAL_JPEGS, TYPES, PictureFacts, inspect_picture
from hub.storage.uploads import find_upload

SIDEWAYS = {5, 6, 7, 8}
BROKEN = (UnidentifiedImageError, Picture.DecompressionBombError, OSError, ValueError, SyntaxError)


@dataclass(frozen=True)
class PictureSize:
    """Pixels as displayed."""

    width: int
    height: int


@dataclass(frozen=True)
class UploadedPicture:
    """What was found in a file that a person sent and has not posted yet."""

    filename: str
    facts: PictureFacts
    generation: ReadGeneration | None


def check_picture(blob: Blob, *, filename: str) -> PictureSize:
    """Size of a picture from its header, without decoding it.

    Raises Invalid when it is no picture, TooLarge over IMAGE_MAX_BYTES or IMAGE_MAX_PIXELS.
    """
    if blob.size_bytes > settings.IMAGE_MAX_BYTES:
        raise TooLarge(
            _("%(name)s has %(size)s; the limit for pictures is %(limit)s.")
            % {"name": filename, **size_beside_limit(blob.size_bytes, settings.IMAGE_MAX_BYTES)}
        )
    with picture_path(blob) as path:
        width, height, kind = _header(path, filename)
    if kind not in TYPES:
        raise Invalid(_("%s is of a kind that browsers do not show. Save it as PNG.") % filename)
    if width * height > settings.IMAGE_MAX_PIXELS:
        raise TooLarge(
            _("%(name)s has %(width)d × %(height)d pixels; the limit is %(limit)d in all.")
            % {
                "name": filename,
                "width": width,
                "height": height,
                "limit": settings.IMAGE_MAX_PIXELS,
            }
        )
    note_content_type(blob, TYPES[kind])
    return PictureSize(width=width, height=height)


def inspect_upload(*, actor: User, upload_id: uuid.UUID) -> UploadedPicture:
    """Decode a file that has arrived and read its generation data, before it is posted.

    Raises NotFound for somebody else's upload, Conflict before it is complete, Invalid or TooLarge
    when it cannot be shown.
    """
    upload = find_upload(actor=actor, upload_id=upload_id)
    blob = upload.blob
    fitting = upload.status == UploadStatus.COMPLETE and upload.purpose == UploadPurpose.IMAGE
    if blob is None or not fitting:
        raise Conflict(_("This file has not arrived yet, or it was used already."))
    check_picture(blob, filename=upload.filename)
    with picture_path(blob) as path:
        facts = inspect_picture(path)
        generation = read_generation_data(path)
    return UploadedPicture(filename=upload.filename, facts=facts, generation=generation)


def note_content_type(blob: Blob, content_type: str) -> None:
    """Remember what the bytes are; uploads arrive without a trusted type."""
    if blob.content_type != content_type:
        blob.content_type = content_type
        blob.save(update_fields=["content_type"])


@contextmanager
def picture_path(blob: Blob) -> Iterator[Path]:
    """A path to read the blob from: in place where the store is on this machine, else a copy."""
    path = local_path(blob)
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as folder:
        yield ensure_local(blob, Path(folder))


def _header(path: Path, filename: str) -> tuple[int, int, str]:
    try:
        with Picture.open(path) as picture:
            width, height = picture.size
            # Without this test Pillow decodes the pixels of a PNG to look for EXIF behind them.
            exif = picture.getexif() if "exif" in picture.info else {}
            if exif.get(ExifTags.Base.Orientation) in SIDEWAYS:
                width, height = height, width
            kind = picture.format or ""
            return width, height, "JPEG" if kind == SEVERAL_JPEGS else kind
    except FileNotFoundError:
        raise
    except BROKEN as error:
        raise Invalid(
            _("%s is not a picture, or the file is broken. Save it again as PNG.") % filename
        ) from error
