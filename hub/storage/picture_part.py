"""Of a file that begins as a picture, the part that is the picture: nothing else is kept of it.

Phones write a video, more pictures or facts behind a JPEG's end. Nobody sees them on a page, and
whoever sent the picture may not know of them.
"""

import io
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext as _

from hub.core.errors import Invalid
from hub.formats.copying import COPY_BYTES
from hub.formats.disguises import DisguiseError
from hub.formats.picture_end import NO_END, picture_length
from hub.storage.blobs import open_blob, scratch_folder, store_path
from hub.storage.models import Blob


def picture_bytes(source: Path | BinaryIO) -> int:
    """How many bytes from the start are the picture. Raises Invalid for what hides something."""
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                return picture_length(file)
        length = picture_length(source)
    except DisguiseError as error:
        raise Invalid(_(error.problem.message).format(**error.params), code=error.code) from error
    source.seek(0)
    return length


def only_picture(blob: Blob) -> Blob:
    """The blob, or one without what stands behind the picture in it. Raises Invalid.

    One that breaks off stays as it is: whoever decodes it says so.
    """
    with open_blob(blob) as file:
        try:
            length = picture_bytes(file)
        except Invalid as error:
            if error.error_code == NO_END.code:
                return blob
            raise
        if length >= blob.size_bytes:
            return blob
        return store_path(_copied(file, length), content_type=blob.content_type, move=True)


def only_picture_of(data: bytes) -> bytes:
    """The same of bytes in memory. Raises Invalid."""
    return data[: picture_bytes(io.BytesIO(data))]


def _copied(file: BinaryIO, length: int) -> Path:
    descriptor, name = tempfile.mkstemp(dir=scratch_folder())
    with os.fdopen(descriptor, "wb") as out:
        while length > 0 and (piece := file.read(min(COPY_BYTES, length))):
            out.write(piece)
            length -= len(piece)
    return Path(name)
