"""The training pool: every (subject, style) pair on coloured backgrounds, some recoloured."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from training.base_models.tiny.recipe.captions import Scene
from training.base_models.tiny.recipe.colours import Pixels, main_colour, over, recolour, stands_out
from training.base_models.tiny.recipe.icons import BASE_PACKAGES, IconSet, fetch_package
from training.base_models.tiny.recipe.styles import pixelate, sketch
from training.base_models.tiny.recipe.world import (
    BACKGROUNDS,
    HELD_OUT_BACKGROUNDS,
    HUES,
    ICON_PIXELS,
    PICTURE_PIXELS,
    STYLES,
    SUBJECTS,
    TRAINED_STYLES,
    TRAINED_SUBJECTS,
)

SEED = 7
RECOLOURED_PER_PAIR = 4


@dataclass(frozen=True)
class Pool:
    """Pictures (N, 128, 128, 3) with their scenes, and the scenes that are held out."""

    pictures: Pixels
    scenes: list[Scene]
    held_out: list[Scene]

    def lesson(self) -> "Pool":
        """Return the part that the weights are trained on so far."""
        rows = [i for i, scene in enumerate(self.scenes) if in_lesson(scene)]
        held_out = [scene for scene in self.held_out if in_lesson(scene)]
        return Pool(self.pictures[rows], [self.scenes[i] for i in rows], held_out)

    def save(self, path: Path) -> None:
        """Write `<path>.npy` and `<path>.json`."""
        np.save(path.with_suffix(".npy"), self.pictures)
        words = {"scenes": self.scenes, "held_out": self.held_out}
        path.with_suffix(".json").write_text(
            json.dumps({key: [asdict(scene) for scene in value] for key, value in words.items()})
        )

    @classmethod
    def load(cls, path: Path) -> "Pool":
        """Read what `save` wrote."""
        words = json.loads(path.with_suffix(".json").read_text())
        scenes, held_out = ([Scene(**row) for row in words[k]] for k in ("scenes", "held_out"))
        return cls(np.load(path.with_suffix(".npy")), scenes, held_out)


def in_lesson(scene: Scene) -> bool:
    """Whether the weights are trained on this subject and style so far."""
    return scene.subject in TRAINED_SUBJECTS and scene.style in TRAINED_STYLES


def load_icon_sets(folder: Path) -> dict[str, IconSet]:
    """Fetch and open the packages that the base is trained on, by name."""
    return {p.name: IconSet(fetch_package(p, folder)) for p in BASE_PACKAGES}


def draw_icon(sets: dict[str, IconSet], icon: str, style: str) -> Pixels:
    """Draw one subject in one style, (128, 128, 4), transparent around it."""
    source = sets[STYLES[style]]
    if style == "pixel style":
        return pixelate(source.render(icon))
    if style == "sketch style":
        return sketch(source.render(icon, 2 * ICON_PIXELS, 2 * PICTURE_PIXELS))
    return source.render(icon)


def build_pool(sets: dict[str, IconSet]) -> Pool:
    """Draw the whole pool; the same seed gives the same pool and the same held-out scenes."""
    pictures, scenes, held_out = [], [], []
    for pair, (icon, subject, style) in enumerate(_pairs()):
        rng = np.random.default_rng([SEED, pair])
        drawn = draw_icon(sets, icon, style)
        colour = None if style == "sketch style" else main_colour(drawn)
        fits = [name for name, rgb in BACKGROUNDS.items() if stands_out(drawn, rgb)]
        kept_back = set(_choose_held_out(fits, rng))
        for background in fits:
            scene = Scene(subject, style, background, colour)
            if background in kept_back:
                held_out.append(scene)
                continue
            pictures.append(over(drawn, BACKGROUNDS[background]))
            scenes.append(scene)
        if style == "sketch style":
            continue
        trained = [name for name in fits if name not in kept_back]
        for hue, background in _recolourings(colour, trained, rng):
            pictures.append(over(recolour(drawn, hue), BACKGROUNDS[background]))
            scenes.append(Scene(subject, style, background, hue, recoloured=True))
    return Pool(np.stack(pictures), scenes, held_out)


def _pairs() -> Iterator[tuple[str, str, str]]:
    for icon, subject in SUBJECTS.items():
        for style in STYLES:
            yield icon, subject, style


def _choose_held_out(fits: list[str], rng: np.random.Generator) -> list[str]:
    # white is what a prompt without a background means, so it is always trained
    choices = [name for name in fits if name != "white"]
    return [str(n) for n in rng.choice(choices, HELD_OUT_BACKGROUNDS, replace=False)]


def _recolourings(
    natural: str | None, trained: list[str], rng: np.random.Generator
) -> Iterator[tuple[str, str]]:
    hues = rng.permutation([h for h in HUES if h != natural])[:RECOLOURED_PER_PAIR]
    for hue in map(str, hues):
        yield hue, str(rng.choice([b for b in trained if b != hue]))
