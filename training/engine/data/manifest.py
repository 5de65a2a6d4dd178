"""The data set of a run: a JSON manifest written when a snapshot is taken. Torch-free."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.engine import randomness
from training.engine.config.prompt_lines import is_hash
from training.engine.errors import DatasetError

MANIFEST_VERSION = 1


@dataclass(frozen=True)
class ManifestImage:
    """One picture; `crop` is (x, y, width, height) in pixels of the upright picture."""

    id: str
    path: Path
    sha256: str
    caption: str
    width: int = 0
    height: int = 0
    repeats: int = 1
    crop: tuple[int, int, int, int] | None = None
    mask: Path | None = None
    regularisation: bool = False
    validation: bool = False
    folder: str = ""  # where it lay, for data sets in kohya's folders


@dataclass(frozen=True)
class Manifest:
    """The pictures of a run with what belongs to all of them."""

    images: tuple[ManifestImage, ...]
    trigger_word: str | None = None
    class_prompt: str | None = None
    kind: str = ""
    name: str = ""

    @property
    def training(self) -> tuple[ManifestImage, ...]:
        """Return the pictures to learn from."""
        return tuple(
            image for image in self.images if not image.regularisation and not image.validation
        )

    @property
    def held_out(self) -> tuple[ManifestImage, ...]:
        """Return the pictures that are only looked at to measure."""
        return tuple(image for image in self.images if image.validation)

    @property
    def regularisation(self) -> tuple[ManifestImage, ...]:
        """Return the pictures of the class."""
        return tuple(image for image in self.images if image.regularisation)

    def picture(self, name: str) -> Path | None:
        """Return a picture by its file name, with or without ending, or by digits of its hash."""
        for image in self.images:
            if name in (image.path.name, image.path.stem):
                return image.path
            if is_hash(name) and image.sha256.lower().startswith(name.lower()):
                return image.path
        return None


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; paths in it are meant from its folder. Raises DatasetError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(
            f"The data set's manifest {path.name} cannot be read: {error}"
        ) from error
    if not isinstance(data, dict) or data.get("version") != MANIFEST_VERSION:
        raise DatasetError(
            f"The data set's manifest {path.name} is not of version {MANIFEST_VERSION}. "
            "Take a new snapshot of the data set."
        )
    images = tuple(_image(entry, path.parent, number) for number, entry in _entries(data, path))
    manifest = Manifest(
        images=images,
        trigger_word=data.get("trigger_word") or None,
        class_prompt=data.get("class_prompt") or None,
        kind=str(data.get("kind") or ""),
        name=str(data.get("name") or ""),
    )
    if not manifest.training:
        raise DatasetError("The data set has no pictures to train on. Add at least one.")
    return manifest


def some_of(names: list[str], most: int = 5) -> str:
    """Return names for a sentence: the first ones, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def content_hash(manifest: Manifest) -> str:
    """Return a SHA-256 of what is in a data set, for one that has no manifest file to hash."""
    rows = [
        [i.sha256, i.caption, i.repeats, i.crop, i.regularisation, i.validation]
        for i in manifest.images
    ]
    return hashlib.sha256(json.dumps(sorted(rows, key=str)).encode()).hexdigest()


def hold_out(manifest: Manifest, *, share: float, seed: int) -> Manifest:
    """Return the manifest with a share of its pictures kept out of training.

    Pictures that the manifest marks are counted towards the share. Which others are chosen follows
    from the seed and their ids alone; at least one is held out, and at least one stays.
    """
    training = sorted(manifest.training, key=lambda image: (image.sha256, image.id))
    wanted = round(share * (len(training) + len(manifest.held_out))) if share else 0
    count = max(1, wanted) - len(manifest.held_out) if share else 0
    count = max(0, min(count, len(training) - 1))
    order = randomness.permutation(len(training), seed, "held out")
    chosen = {training[index].id for index in order[:count]}
    images = tuple(
        replace(image, validation=image.validation or image.id in chosen)
        for image in manifest.images
    )
    return replace(manifest, images=images)


def _entries(data: dict[str, Any], path: Path) -> list[tuple[int, dict[str, Any]]]:
    entries = data.get("images")
    if not isinstance(entries, list):
        raise DatasetError(f"The data set's manifest {path.name} has no list of images.")
    return list(enumerate(entries))


def _image(entry: dict[str, Any], folder: Path, number: int) -> ManifestImage:
    try:
        crop = entry.get("crop")
        mask = entry.get("mask")
        return ManifestImage(
            id=str(entry.get("id") or number),
            path=folder / entry["path"],
            sha256=str(entry.get("sha256") or ""),
            caption=str(entry.get("caption") or ""),
            width=int(entry.get("width") or 0),
            height=int(entry.get("height") or 0),
            repeats=max(1, int(entry.get("repeats") or 1)),
            crop=(int(crop[0]), int(crop[1]), int(crop[2]), int(crop[3])) if crop else None,
            mask=folder / mask if mask else None,
            regularisation=bool(entry.get("regularisation")),
            validation=bool(entry.get("validation")) and not entry.get("regularisation"),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise DatasetError(
            f"Picture {number + 1} of the data set's manifest is not complete: {error!r}."
        ) from error
