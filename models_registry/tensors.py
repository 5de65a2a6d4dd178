"""The header of a stored safetensors file, read again from the store when somebody asks."""

from django.conf import settings
from django.utils.translation import gettext as _

from hub.core.errors import Gone, NotAllowed, NotFound
from hub.formats.errors import FormatError
from hub.formats.safetensors_header import HeaderLimits, SafetensorsHeader, read_header
from hub.storage.blobs import open_blob
from models_registry.models.file import FileFormat, ModelFile
from models_registry.models.model import Viewer
from models_registry.permissions import can_take_unverified


def header_of(*, viewer: Viewer, file: ModelFile) -> SafetensorsHeader:
    """Names, shapes and number formats of the tensors; the file is visible to the viewer.

    Raises NotAllowed before the file is cleared, NotFound for other formats and broken headers,
    Gone when the store lost the bytes. The store sends the header alone.
    """
    if not (file.is_clean or can_take_unverified(viewer, file)):
        raise NotAllowed(_("This file is not cleared yet. Come back when it is verified."))
    if file.format != FileFormat.SAFETENSOR:
        raise NotFound(_("Only safetensors files say what is in them without being loaded."))
    limits = HeaderLimits(max_header_bytes=settings.SAFETENSORS_HEADER_MAX_BYTES)
    try:
        with open_blob(file.blob) as stream:
            return read_header(stream, limits=limits)
    except FileNotFoundError as error:
        raise Gone(_("The file is missing on the hub's disk. Tell the administrator.")) from error
    except FormatError as error:
        raise NotFound(_("The header of this file cannot be read.")) from error
