"""The manifest of a dataset as the engine reads it: built from rows, in canonical form.

Pictures are named by their SHA-256 and sorted by it, and nothing in the manifest depends on the
machine or the moment: equal content gives equal bytes. training/engine/data/manifest.py reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item

MANIFEST_VERSION = 1
PICTURE_FOLDER = "images"
SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/avif": ".avif",
}


def build_manifest(dataset: Dataset, items: Iterable[Item]) -> dict[str, Any]:
    """The manifest of these pictures; `items` come with their blobs and tags fetched."""
    pictures = sorted((_picture(item) for item in items), key=lambda picture: picture["sha256"])
    return {
        "version": MANIFEST_VERSION,
        "kind": dataset.kind,
        "trigger_word": dataset.trigger_word,
        "class_prompt": dataset.class_prompt,
        "images": pictures,
    }


def canonical_json(manifest: dict[str, Any]) -> bytes:
    """The one spelling of a manifest: sorted keys, no white space, UTF-8."""
    return json.dumps(
        manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def manifest_sha256(manifest: dict[str, Any]) -> str:
    """Lower-case hex SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(manifest)).hexdigest()


def _picture(item: Item) -> dict[str, Any]:
    sha256 = item.blob.sha256
    return {
        "id": sha256[:16],
        "path": f"{PICTURE_FOLDER}/{sha256}{SUFFIXES.get(item.blob.content_type, '')}",
        "sha256": sha256,
        "width": item.width,
        "height": item.height,
        "caption": item.caption,
        "repeats": item.repeats,
        "crop": list(item.crop) if item.crop else None,
        "mask": None,
        "regularisation": False,
    }
