"""The picture that a file brings in its own header (`modelspec.thumbnail`) becomes the cover."""

import base64
import binascii
import io
import re
from collections.abc import Mapping

from django.conf import settings

from hub.core.errors import AtelierError
from hub.storage.blobs import store_bytes
from hub.storage.pictures import inspect_picture
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile
from models_registry.models.model import Status
from models_registry.permissions import can_edit_version
from models_registry.services.drafts import add_cover

DATA_URL = re.compile(r"data:image/[a-z.+-]{1,20};base64,([A-Za-z0-9+/=\s]+)")


def add_stated_thumbnail(*, file: ModelFile, metadata: Mapping[str, str]) -> VersionCover | None:
    """Make the stated picture the cover of a draft that has none; None where that does not apply.

    What is no picture, or one beyond the limits, is left out: it is an extra, never a condition.
    """
    version, actor = file.version, file.uploaded_by
    if version.status != Status.DRAFT or version.covers.exists():
        return None
    if actor is None or not can_edit_version(actor, version):
        return None
    data = _decoded(metadata.get("modelspec.thumbnail", ""))
    if not data:
        return None
    try:
        facts = inspect_picture(io.BytesIO(data))
        blob = store_bytes(data, content_type=facts.content_type)
        return add_cover(actor=actor, version=version, blob=blob)
    except AtelierError:
        return None


def _decoded(url: str) -> bytes:
    match = DATA_URL.fullmatch(url.strip()[: settings.IMAGE_MAX_BYTES * 2])
    if match is None:
        return b""
    try:
        data = base64.b64decode(match[1])
    except binascii.Error:
        return b""
    return data if len(data) <= settings.IMAGE_MAX_BYTES else b""
