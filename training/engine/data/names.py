"""Names of files as text, whatever encoding the system that packed them wrote them in. Torch-free.

Folders that come out of older archives have names in GB18030 or Shift-JIS, which the system hands
over as bytes that are no text: no event, caption or header could hold them.
"""

from __future__ import annotations

import os
from pathlib import Path

from hub.formats.captions import decode_caption
from hub.formats.errors import CaptionError


def readable(name: str) -> str:
    """Return a name as text: guessed where it is none yet, else with its bytes in digits."""
    raw = os.fsencode(name)
    try:
        return decode_caption(raw).text if name != raw.decode(errors="ignore") else name
    except CaptionError:
        return raw.decode(errors="backslashreplace")


def name_of(path: Path) -> str:
    """Return the name of a file or folder for a sentence or a header."""
    return readable(path.name)
