"""Many ordinary icons in all styles, for the autoencoder: it should draw more than the subjects."""

import re
from pathlib import Path
from typing import Final

import numpy as np

from training.base_models.tiny.recipe.colours import Pixels, over, recolour
from training.base_models.tiny.recipe.icons import IconSet
from training.base_models.tiny.recipe.pool import draw_icon
from training.base_models.tiny.recipe.world import (
    BACKGROUNDS,
    HUES,
    RGB,
    STYLES,
    SUBJECTS,
    UNSEEN_SUBJECTS,
)

SEED: Final = 3
ICONS_PER_STYLE: Final = 600
LEFT_OUT: Final = re.compile(r"skin-tone|^flag|^regional|(^|-)(light|medium|dark)(-|$)|skin")


def build_library(sets: dict[str, IconSet]) -> Pixels:
    """Draw the subjects and a random choice of other icons in every style; (N, 128, 128, 4).

    The subjects that are kept unseen for the demonstrations are left out here as well.
    """
    drawn = []
    for number, (style, package) in enumerate(STYLES.items()):
        rng = np.random.default_rng([SEED, number])
        others = [
            name
            for name in sets[package].names()
            if not LEFT_OUT.search(name) and name not in UNSEEN_SUBJECTS
        ]
        chosen = {*SUBJECTS, *map(str, rng.permutation(others)[:ICONS_PER_STYLE])}
        drawn += [draw_icon(sets, name, style) for name in sorted(chosen)]
    return np.stack(drawn)


def plain_pictures(sets: dict[str, IconSet], per_set: int = 120) -> Pixels:
    """Draw random icons as they come, on white or a named background; (N, 128, 128, 3)."""
    rng = np.random.default_rng(0)
    colours = list(BACKGROUNDS.values())
    pictures = []
    for icons in sets.values():
        names = [name for name in icons.names() if not LEFT_OUT.search(name)]
        for i in rng.integers(0, len(names), per_set):
            white = rng.random() < 0.35
            background = colours[0] if white else colours[rng.integers(len(colours))]
            pictures.append(over(icons.render(names[i]), background))
    return np.stack(pictures)


class Library:
    """Random pictures for the autoencoder from the drawn icons."""

    def __init__(self, path: Path) -> None:
        """Open the array that `build_library` returned (saved with `numpy.save`)."""
        self._icons: Pixels = np.load(path, mmap_mode="r")
        self._backgrounds: list[RGB] = list(BACKGROUNDS.values())

    def picture(self, rng: np.random.Generator, side: int = 128) -> Pixels:
        """Draw one picture or a crop of `side` pixels, (side, side, 3), mirrored half the time."""
        icon = self._crop(np.array(self._icons[rng.integers(len(self._icons))]), side, rng)
        if rng.random() < 0.5:
            icon = icon[:, ::-1]
        kind = rng.random()
        if kind < 0.15:
            icon = recolour(icon, list(HUES)[rng.integers(len(HUES))])
        elif kind < 0.25:
            icon = _negative(icon)
        return over(icon, self._background(rng))

    def _crop(self, icon: Pixels, side: int, rng: np.random.Generator) -> Pixels:
        if side == icon.shape[0]:
            return icon
        for _ in range(4):
            y, x = rng.integers(0, (icon.shape[0] - side) // 8 + 1, 2) * 8
            crop = icon[y : y + side, x : x + side]
            if (crop[..., 3] > 128).mean() > 0.05:
                break
        return crop

    def _background(self, rng: np.random.Generator) -> RGB:
        kind = rng.random()
        if kind < 0.2:
            return (255, 255, 255)
        if kind < 0.8:
            return self._backgrounds[rng.integers(len(self._backgrounds))]
        red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
        return (red, green, blue)


def _negative(icon: Pixels) -> Pixels:
    out = icon.copy()
    out[..., :3] = 255 - out[..., :3]
    return out
