"""`subjects.json`: what the bundled base knows, for the product to show."""

import json
from pathlib import Path
from typing import Any, Final

from training.base_models.tiny.recipe.captions import PLAIN_BACKGROUND, PLAIN_STYLE
from training.base_models.tiny.recipe.world import (
    BACKGROUNDS,
    HUES,
    SHOWCASE,
    TRAINED_STYLES,
    TRAINED_SUBJECTS,
    UNSEEN_STYLES,
    UNSEEN_SUBJECTS,
)

FILE: Final = "subjects.json"


def build() -> dict[str, Any]:
    """Return the content of `subjects.json` from the tables of the recipe."""
    return {
        "format": 1,
        "picture_pixels": 128,
        "prompt_form": "a [colour] subject, style, background colour background",
        "default_style": PLAIN_STYLE,
        "default_background": PLAIN_BACKGROUND,
        "subjects": list(TRAINED_SUBJECTS),
        "styles": list(TRAINED_STYLES),
        "backgrounds": list(BACKGROUNDS),
        "colours": list(HUES),
        "showcase": list(SHOWCASE),
        "unseen_subjects": list(UNSEEN_SUBJECTS.values()),
        "unseen_styles": list(UNSEEN_STYLES),
    }


def write(path: Path) -> None:
    """Write `subjects.json`."""
    path.write_text(json.dumps(build(), indent=2) + "\n", encoding="utf-8")
