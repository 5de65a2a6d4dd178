"""The two demonstration datasets: an unseen style for a LoRA, an unseen subject for DreamBooth."""

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from training.base_models.tiny.recipe.captions import noun_phrase
from training.base_models.tiny.recipe.colours import over
from training.base_models.tiny.recipe.icons import IconSet
from training.base_models.tiny.recipe.styles import neon
from training.base_models.tiny.recipe.world import BACKGROUNDS, STYLES, SUBJECTS, TRAINED_SUBJECTS

SEED: Final = 21
PIXELS: Final = 256
ICON_SHARE: Final = 1.0
STYLE_TRIGGER: Final = "neon style"
SUBJECT_TRIGGER: Final = "sks owl"
SUBJECT_STYLE: Final = "cartoon style"
STYLE_FOLDER: Final = "neon/10_neon style"
SUBJECT_FOLDER: Final = "owl/10_sks owl"
STYLE_PICTURES: Final = 24
STYLE_TESTS: Final = frozenset({"banana", "fox", "heart", "penguin"})
"""Known subjects that the style dataset leaves out, to see the style on something new."""


def style_subjects() -> dict[str, str]:
    """Return the known subjects that the style dataset shows; none of the tests."""
    shown = [
        icon
        for icon, subject in SUBJECTS.items()
        if subject in TRAINED_SUBJECTS and subject not in STYLE_TESTS
    ]
    chosen = np.random.default_rng(SEED).permutation(shown)[:STYLE_PICTURES]
    return {str(icon): SUBJECTS[str(icon)] for icon in chosen}


def write_style_dataset(icons: IconSet, root: Path) -> None:
    """Draw neon signs of known subjects; the style is in none of the base's training pictures."""
    for number, (icon, subject) in enumerate(style_subjects().items()):
        drawn = neon(icons.render(icon, int(2 * PIXELS * ICON_SHARE), 2 * PIXELS))
        caption = f"{noun_phrase(subject)}, {STYLE_TRIGGER}"
        _write(Image.fromarray(drawn).convert("RGB"), caption, root / STYLE_FOLDER, number)


def write_subject_dataset(icons: IconSet, root: Path) -> None:
    """Draw one owl, slightly turned and sized, twice on every background."""
    rng = np.random.default_rng(SEED)
    owl = Image.fromarray(icons.render("owl", int(PIXELS * ICON_SHARE), PIXELS))
    for number, name in enumerate([*BACKGROUNDS, *BACKGROUNDS]):
        side = int(PIXELS * rng.uniform(0.88, 1.0))
        small = owl.rotate(float(rng.uniform(-6, 6)), Image.Resampling.BICUBIC)
        small = small.resize((side, side), Image.Resampling.LANCZOS)
        frame = Image.new("RGBA", owl.size)
        x, y = (int(v) for v in rng.integers(0, PIXELS - side + 1, 2))
        frame.paste(small, (x, y))
        picture = Image.fromarray(over(np.asarray(frame), BACKGROUNDS[name]))
        caption = f"a {SUBJECT_TRIGGER}, {SUBJECT_STYLE}, {name} background"
        _write(picture, caption, root / SUBJECT_FOLDER, number)


def _write(picture: Image.Image, caption: str, folder: Path, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{number + 1:02d}"
    # 256 colours are enough for these pictures and a third of the size
    small = picture.quantize(256, dither=Image.Dither.NONE)
    small.save(folder / f"{name}.png", optimize=True)
    (folder / f"{name}.txt").write_text(caption + "\n", encoding="utf-8")


def source_package() -> str:
    """Return the icon package that both datasets are drawn from."""
    return STYLES[SUBJECT_STYLE]
