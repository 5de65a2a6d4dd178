"""How often the base draws what was asked: retrieval of subject, style and background.

A picture is compared at 32 px with the true pictures of all subjects and styles on the background
that was asked for; the nearest one names the subject. This checks identity, not beauty.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor

from training.base_models.tiny.recipe.captions import PLAIN_BACKGROUND, Scene, full_caption
from training.base_models.tiny.recipe.colours import Pixels, over
from training.base_models.tiny.recipe.icons import IconSet
from training.base_models.tiny.recipe.pictures import steps, to_tensor
from training.base_models.tiny.recipe.pool import draw_icon, in_lesson
from training.base_models.tiny.recipe.sampling import SamplerSettings, draw
from training.base_models.tiny.recipe.world import BACKGROUNDS, STYLES, SUBJECTS, TRAINED_SUBJECTS

CORNER = 5
"""Side in pixels of the corners whose median colour is taken for the background."""


@dataclass(frozen=True)
class Score:
    """Shares of right answers, and distances to the true picture."""

    pictures: int
    subject: float
    style: float
    background: float
    error_32px: float
    edge_energy: float
    missed: list[str]


class Retrieval:
    """The true pictures of all (subject, style) pairs."""

    def __init__(self, sets: dict[str, IconSet]) -> None:
        """Draw every pair once, without background."""
        self._icons = {
            (subject, style): draw_icon(sets, icon, style)
            for icon, subject in SUBJECTS.items()
            for style in STYLES
            if in_lesson(Scene(subject, style, PLAIN_BACKGROUND))
        }
        self._pairs = list(self._icons)

    def truth(self, scene: Scene) -> Pixels:
        """Return the true picture of a scene in its natural colour."""
        return over(self._icons[scene.subject, scene.style], BACKGROUNDS[scene.background])

    def score(self, scenes: list[Scene], pictures: Pixels) -> Score:
        """Compare drawn pictures with the scenes that were asked for."""
        right: dict[str, list[bool]] = {"subject": [], "style": [], "background": []}
        errors, edges, missed = [], [], []
        for scene, picture in zip(scenes, pictures, strict=True):
            subject, style, error = self._nearest(scene, picture)
            background = _nearest_background(picture)
            right["subject"].append(subject == scene.subject)
            right["style"].append(style == scene.style)
            right["background"].append(background == scene.background)
            if subject != scene.subject or background != scene.background:
                missed.append(f"{full_caption(scene)} -> {subject}, {background}")
            errors.append(error)
            edges.append(_edge_energy(picture) / _edge_energy(self.truth(scene)))
        shares = {name: round(float(np.mean(values)), 4) for name, values in right.items()}
        return Score(
            pictures=len(scenes),
            error_32px=round(float(np.mean(errors)), 4),
            edge_energy=round(float(np.mean(edges)), 3),
            missed=missed,
            **shares,
        )

    def _nearest(self, scene: Scene, picture: Pixels) -> tuple[str, str, float]:
        """Return the nearest subject, the nearest style of the true subject, and its error."""
        colour = BACKGROUNDS[scene.background]
        known = _thumbnails(np.stack([over(icon, colour) for icon in self._icons.values()]))
        distance = (known - _thumbnails(picture[None])).square().flatten(1).mean(1)
        subject = self._pairs[int(distance.argmin())][0]
        same = [i for i, pair in enumerate(self._pairs) if pair[0] == scene.subject]
        style = self._pairs[min(same, key=lambda i: float(distance[i]))][1]
        error = float(distance[self._pairs.index((scene.subject, scene.style))])
        return subject, style, error


def _thumbnails(pictures: Pixels) -> Tensor:
    return torch.nn.functional.avg_pool2d(to_tensor(pictures), 4)


def _edge_energy(picture: Pixels) -> float:
    return float(sum(step.abs().mean() for step in steps(to_tensor(picture[None]))))


def _nearest_background(picture: Pixels) -> str:
    c = CORNER
    ends = (slice(c), slice(-c, None))
    corners = [picture[y, x] for y in ends for x in ends]
    colour = np.median(np.concatenate([part.reshape(-1, 3) for part in corners]), 0)
    return min(BACKGROUNDS, key=lambda name: float(np.abs(colour - BACKGROUNDS[name]).sum()))


def choose_scenes(scenes: list[Scene], count: int, seed: int) -> list[Scene]:
    """Choose natural-coloured scenes, spread evenly over the subjects."""
    rng = np.random.default_rng(seed)
    natural = [scene for scene in scenes if not scene.recoloured]
    order = [natural[i] for i in rng.permutation(len(natural))]
    by_subject = {name: [s for s in order if s.subject == name] for name in TRAINED_SUBJECTS}
    chosen: list[Scene] = []
    for turn in range(-(-count // len(by_subject))):
        chosen += [rows[turn] for rows in by_subject.values() if turn < len(rows)]
    return chosen[:count]


def evaluate(
    pipeline: StableDiffusionPipeline,
    retrieval: Retrieval,
    scenes: list[Scene],
    settings: SamplerSettings | None = None,
) -> tuple[Score, Pixels]:
    """Draw the scenes with seeds 0, 1, 2 ... and score them."""
    pictures = draw(pipeline, [full_caption(s) for s in scenes], list(range(len(scenes))), settings)
    return retrieval.score(scenes, pictures), pictures


def save_scores(scores: dict[str, Score], path: Path) -> None:
    """Write the scores as JSON."""
    rows = {name: asdict(score) for name, score in scores.items()}
    path.write_text(json.dumps(rows, indent=2) + "\n")
