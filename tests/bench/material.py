"""The same pictures and captions in the layouts of all trainers."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CAPTION = "a photo of sks thing, red and round, on a table"
COUNT = 6


@dataclass(frozen=True)
class Material:
    """Folders of the same pictures: plain, with captions beside them, and with our manifest."""

    pictures: Path  # pictures alone
    kohya: Path  # holds 1_sks/, with a caption beside each picture
    imagefolder: Path  # with metadata.jsonl, as the library datasets reads it
    manifest: Path


def make_material(home: Path, size: int) -> Material:
    """Write pictures of `size` x `size`, anew each time: they are small."""
    root = home / f"pictures-{size}"
    shutil.rmtree(root, ignore_errors=True)
    made = Material(root / "plain", root / "kohya", root / "imagefolder", root / "manifest.json")
    captioned = made.kohya / "1_sks"
    for folder in (made.pictures, captioned, made.imagefolder):
        folder.mkdir(parents=True)
    rows, images = [], []
    for number in range(COUNT):
        path = made.pictures / f"{number:02d}.png"
        _draw(path, number, size)
        shutil.copy(path, captioned)
        shutil.copy(path, made.imagefolder)
        (captioned / f"{number:02d}.txt").write_text(CAPTION, encoding="utf-8")
        rows.append({"file_name": path.name, "text": CAPTION})
        images.append(_entry(path, size))
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (made.imagefolder / "metadata.jsonl").write_text(lines, encoding="utf-8")
    manifest = {"version": 1, "kind": "object", "trigger_word": "", "images": images}
    made.manifest.write_text(json.dumps(manifest), encoding="utf-8")
    return made


def _draw(path: Path, seed: int, size: int) -> None:
    draws = np.random.default_rng(seed)
    small = draws.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC).save(path)


def _entry(path: Path, size: int) -> dict[str, object]:
    return {
        "id": path.stem,
        "path": f"plain/{path.name}",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "width": size,
        "height": size,
        "caption": CAPTION,
        "repeats": 1,
        "crop": None,
        "mask": None,
        "regularisation": False,
    }
