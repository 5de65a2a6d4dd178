"""Captions of the bundled base: what it was trained on, and what it is asked for."""

from dataclasses import dataclass

import numpy as np

PLAIN_STYLE = "cartoon style"
"""Left out of some captions, so that a prompt without a style means this one."""

PLAIN_BACKGROUND = "white"
"""Left out of some captions, so that a prompt without a background means this one."""

PLURALS = frozenset({"cherries"})
NO_CAPTION = 0.10
LEAVE_OUT = 0.30
NAME_NATURAL_COLOUR = 0.20
BACKGROUND_FIRST = 0.10


@dataclass(frozen=True)
class Scene:
    """One picture of the small world in words; `colour` is None where no colour leads."""

    subject: str
    style: str
    background: str
    colour: str | None = None
    recoloured: bool = False


def noun_phrase(subject: str, colour: str | None = None) -> str:
    """Return the subject with its article: "a blue fox", "an apple", "cherries"."""
    words = f"{colour} {subject}" if colour else subject
    if subject in PLURALS:
        return words
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def full_caption(scene: Scene) -> str:
    """Return the caption that names everything; the colour only where it was changed."""
    noun = noun_phrase(scene.subject, scene.colour if scene.recoloured else None)
    return f"{noun}, {scene.style}, {scene.background} background"


def training_caption(scene: Scene, rng: np.random.Generator) -> str:
    """Return a caption with random omissions; sometimes empty, for guidance."""
    empty, leave_style, leave_background, name_colour, swap = rng.random(5)
    if empty < NO_CAPTION:
        return ""
    colour = scene.colour if scene.recoloured or name_colour < NAME_NATURAL_COLOUR else None
    parts = [noun_phrase(scene.subject, colour)]
    if not (scene.style == PLAIN_STYLE and leave_style < LEAVE_OUT):
        parts.append(scene.style)
    if not (scene.background == PLAIN_BACKGROUND and leave_background < LEAVE_OUT):
        parts.insert(1 if swap < BACKGROUND_FIRST else len(parts), f"{scene.background} background")
    return ", ".join(parts)
