"""Headers of tus 1.0 (https://tus.io/protocols/resumable-upload): what they say and offer."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from hub.core.errors import Invalid

EXTENSIONS = "creation,termination,checksum,expiration"
CHECKSUMS: Mapping[str, Callable[[], Any]] = {
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": hashlib.sha256,
}
CHECKSUM_MISMATCH = 460
MAX_METADATA_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Promise:
    """What the sender says of the bytes of one request: a digest of them, and what it will be."""

    digest: Any
    wanted: bytes

    @property
    def is_kept(self) -> bool:
        """Whether the bytes so far are the promised ones."""
        return bool(self.digest.digest() == self.wanted)


def offered() -> dict[str, str]:
    """What a client may ask of this server."""
    return {
        "Tus-Version": "1.0.0",
        "Tus-Extension": EXTENSIONS,
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        "Tus-Max-Size": str(settings.UPLOAD_MAX_BYTES),
    }


def promise_in(headers: dict[str, str]) -> Promise | None:
    """What Upload-Checksum says, None without it. Raises Invalid for what is none of ours."""
    header = headers.get("upload-checksum")
    if header is None:
        return None
    name, _space, encoded = header.partition(" ")
    try:
        wanted = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        wanted = b""
    if name not in CHECKSUMS or len(wanted) != CHECKSUMS[name]().digest_size:
        ways = ", ".join(CHECKSUMS)
        raise Invalid(_("Upload-Checksum is one of %s, a space and its base64.") % ways)
    return Promise(digest=CHECKSUMS[name](), wanted=wanted)


def number_in(headers: dict[str, str], name: str) -> int:
    """A header that is a whole number. Raises Invalid."""
    value = headers.get(name, "")
    if not re.fullmatch(r"\d{1,18}", value):
        raise Invalid(_("The header %s must be a whole number.") % name)
    return int(value)


def metadata_in(header: str) -> dict[str, str]:
    """Keys and base64 values of Upload-Metadata; untrusted text, never a path. Raises Invalid."""
    if len(header) > MAX_METADATA_BYTES:
        raise Invalid(_("Upload-Metadata is too long."))
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        name, _space, encoded = pair.partition(" ")
        try:
            text = base64.b64decode(encoded, validate=True).decode("utf-8")
            found[name] = text.replace("\x00", "")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Invalid(_("Upload-Metadata %s is not base64 of UTF-8 text.") % name) from error
    return found
