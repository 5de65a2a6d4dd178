"""A data set in kohya's folders, to train without a hub: `20_sks cat/0001.png` and `0001.txt`.

The number is how often the pictures of a folder are shown, its words the caption of those without
a caption file. Beside `img` a folder `reg` holds pictures of the class, as the web interfaces of
kohya's scripts lay them out. https://github.com/kohya-ss/sd-scripts/blob/main/docs/config_README-en.md
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from hub.formats.captions import decode_caption
from hub.formats.errors import CaptionError
from training.engine.data.manifest import Manifest, ManifestImage, some_of
from training.engine.data.names import name_of, readable
from training.engine.errors import DatasetError
from training.engine.files.file_writing import file_hash

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".avif", ".tif", ".tiff"}
)
CAPTION_SUFFIXES = (".txt", ".caption")
UNREAD_SUFFIXES = frozenset(
    {".heic", ".heif", ".jxl", ".jp2", ".psd", ".svg", ".dng", ".cr2", ".nef"}
)
"""Pictures of kinds that are not read here, of which a person wants to be told."""
TRAINING, REGULARISATION = "img", "reg"
_REPEATED = re.compile(r"^(\d{1,4})(?:_(.*))?$", re.DOTALL)


def read_folder(folder: Path, *, warn: Callable[[str, str], None]) -> Manifest:
    """Return the pictures of a folder and its folders.

    `warn` is told what cannot be used: a code (picture_skipped, caption_skipped), a sentence.

    Raises DatasetError where it holds no picture to train on.
    """
    training = folder / TRAINING if (folder / TRAINING).is_dir() else folder
    images = _pictures(training, regularisation=False, warn=warn)
    if training != folder and (folder / REGULARISATION).is_dir():
        images += _pictures(folder / REGULARISATION, regularisation=True, warn=warn)
    manifest = Manifest(images=tuple(images), name=name_of(folder))
    if not manifest.training:
        raise DatasetError(
            f"The folder {folder} holds no pictures to train on. Give one with folders such as "
            "20_sks cat, or with pictures in it."
        )
    return manifest


def class_folder(folder: Path, *, warn: Callable[[str, str], None]) -> tuple[ManifestImage, ...]:
    """Return the class pictures of a folder. Raises DatasetError where there is none."""
    found = _pictures(folder, regularisation=True, warn=warn)
    if not found:
        raise DatasetError(f"The folder of class pictures {folder} holds no pictures.")
    return tuple(found)


def _pictures(
    root: Path, *, regularisation: bool, warn: Callable[[str, str], None]
) -> list[ManifestImage]:
    found, never = [], set()
    files = sorted(root.rglob("*"))
    _tell_of_others(files, warn)
    for path in files:
        is_picture = path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
        if not is_picture or path.is_dir():
            continue
        repeats, words = folder_meaning(name_of(path.parent))
        if not repeats:
            never.add(name_of(path.parent))
            continue
        if path.exists() and not path.is_file():  # a named pipe would be waited for without end
            warn("picture_skipped", f"{name_of(path)} is no file.")
            continue
        try:
            sha256 = file_hash(path)
        except OSError as error:  # a link to nowhere, no permission
            warn("picture_skipped", f"{name_of(path)} cannot be read: {error.strerror}.")
            continue
        caption = _caption(path, warn)
        found.append(
            ManifestImage(
                id=readable(path.relative_to(root).as_posix()),
                path=path,
                sha256=sha256,
                caption=words if caption is None else caption,
                repeats=repeats,
                regularisation=regularisation,
                folder=name_of(path.parent),
            )
        )
    for name in sorted(never):
        warn("picture_skipped", f"The folder {name} says that it is shown 0 times.")
    return found


def _tell_of_others(files: list[Path], warn: Callable[[str, str], None]) -> None:
    """Report pictures of kinds that are not read, and captions that belong to no picture."""
    unread = [name_of(path) for path in files if path.suffix.lower() in UNREAD_SUFFIXES]
    if unread:
        sentence = f"Of a kind that is not read here: {some_of(unread)}. Save them as PNG or JPEG."
        warn("picture_skipped", sentence)
    pictures = {path for path in files if path.suffix.lower() in PICTURE_SUFFIXES}
    known = {path.with_suffix("") for path in pictures} | pictures
    alone = [
        name_of(path)
        for path in files
        if path.suffix in CAPTION_SUFFIXES and path.with_suffix("") not in known
    ]
    if alone:
        warn("caption_skipped", f"Without a picture of the same name: {some_of(alone)}.")


def folder_meaning(name: str) -> tuple[int, str]:
    """Return what `20_sks cat` says: the repeats and the words; of any other name 1 and none."""
    found = _REPEATED.match(name)
    return (int(found[1]), (found[2] or "").strip()) if found else (1, "")


def _caption(picture: Path, warn: Callable[[str, str], None]) -> str | None:
    """Return the text beside a picture in whatever encoding, or None where there is none."""
    for suffix in CAPTION_SUFFIXES:
        for path in (picture.with_suffix(suffix), picture.with_name(picture.name + suffix)):
            if path.is_file():
                try:
                    return decode_caption(path.read_bytes()).text.strip()
                except (CaptionError, OSError) as error:
                    instead = "is not used, but the words of its folder, if there are any."
                    warn("caption_skipped", f"{name_of(path)} {instead} {error}")
                    return None
    return None
