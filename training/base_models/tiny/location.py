"""Where the bundled base lies, and what it knows. Free of torch: the web process imports this."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

TINY_ROOT: Final = Path(__file__).resolve().parent
CHECKSUMS: Final = "SHA256SUMS"


@dataclass(frozen=True)
class KnownSubjects:
    """What the bundled base was trained to draw, in the words that prompts use.

    `showcase` holds whole prompts that it draws well.
    """

    subjects: tuple[str, ...]
    styles: tuple[str, ...]
    backgrounds: tuple[str, ...]
    colours: tuple[str, ...]
    unseen_subjects: tuple[str, ...]
    unseen_styles: tuple[str, ...]
    showcase: tuple[str, ...]
    default_style: str
    default_background: str
    picture_pixels: int


def tiny_base_dir() -> Path:
    """Return the folder that `StableDiffusionPipeline.from_pretrained` loads."""
    return TINY_ROOT / "weights"


def tiny_demo_dir() -> Path:
    """Return the folder of the two demonstration datasets."""
    return TINY_ROOT / "demo"


@cache
def known_subjects() -> KnownSubjects:
    """Read `subjects.json`."""
    data = json.loads((TINY_ROOT / "subjects.json").read_text(encoding="utf-8"))
    return KnownSubjects(
        subjects=tuple(data["subjects"]),
        styles=tuple(data["styles"]),
        backgrounds=tuple(data["backgrounds"]),
        colours=tuple(data["colours"]),
        unseen_subjects=tuple(data["unseen_subjects"]),
        unseen_styles=tuple(data["unseen_styles"]),
        showcase=tuple(data["showcase"]),
        default_style=data["default_style"],
        default_background=data["default_background"],
        picture_pixels=data["picture_pixels"],
    )
