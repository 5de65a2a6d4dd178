"""What the name of an imported file says: junk, unsafe, caption, repeats, which files pair.

Names are only shown and compared here; none is ever used as a path.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_NAME_CHARACTERS = 400
MAX_KEY_CHARACTERS = 255
MAX_REPEATS = 1000

CAPTION_SUFFIXES = frozenset({".txt", ".caption"})
PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".avif", ".tif", ".tiff"}
)

_JUNK_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini", "icon\r", ".directory"})
_JUNK_FOLDERS = frozenset({"__macosx", ".git", ".thumbnails", "@eadir", ".ipynb_checkpoints"})
_KOHYA_FOLDER = re.compile(r"^(\d{1,4})_(.*)$", re.DOTALL)


@dataclass(frozen=True)
class FolderMeaning:
    """What kohya's folder name `20_yuki girl` says: repeats and the words after the number."""

    repeats: int = 1
    words: str = ""


def safe_name(raw: str) -> str | None:
    """The name with forward slashes, or None when it tries to leave its folder or is too long."""
    name = raw.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or len(name) > MAX_NAME_CHARACTERS or any(ord(sign) < 32 for sign in name):
        return None
    if name.startswith("/") or ".." in parts or re.match(r"^[A-Za-z]:", parts[0]):
        return None
    return "/".join(parts)


def is_junk(name: str) -> bool:
    """Whether a system or tool left the file behind, or it only tells of the collection."""
    *folders, last = name.lower().split("/")
    if last in _JUNK_NAMES or last.startswith("._") or last.endswith(".md"):
        return True
    return any(folder in _JUNK_FOLDERS for folder in folders)


def is_caption(name: str) -> bool:
    """Whether the name is that of a caption file."""
    return PurePosixPath(name).suffix.lower() in CAPTION_SUFFIXES


def pair_key(name: str) -> str:
    """The same for a picture and its caption: folder and stem, without regard to case."""
    path = PurePosixPath(name.lower())
    stem = path.with_suffix("")
    if path.suffix in CAPTION_SUFFIXES and stem.suffix in PICTURE_SUFFIXES:
        stem = stem.with_suffix("")
    key = str(stem)
    if len(key) > MAX_KEY_CHARACTERS:
        return hashlib.sha256(key.encode()).hexdigest()
    return key


def folder_meaning(name: str) -> FolderMeaning:
    """Repeats and words of the nearest folder that is named in kohya's way."""
    for folder in reversed(name.split("/")[:-1]):
        found = _KOHYA_FOLDER.match(folder)
        if found:
            repeats = min(max(int(found.group(1)), 1), MAX_REPEATS)
            return FolderMeaning(repeats, found.group(2).strip())
    return FolderMeaning()


def short_name(name: str) -> str:
    """The last part, cut so that it fits the column and keeps its suffix."""
    last = name.rsplit("/", 1)[-1]
    if len(last) <= MAX_KEY_CHARACTERS:
        return last
    suffix = PurePosixPath(last).suffix[:12]
    return last[: MAX_KEY_CHARACTERS - len(suffix)] + suffix
