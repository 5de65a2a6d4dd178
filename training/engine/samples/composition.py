"""A1111's AND between prompts: `a cat AND a dog :1.2`, each of them guiding with its weight.

Torch-free and pure. https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from training.engine.emphasis import without_networks

JOINING = re.compile(r"\bAND\b")
_WEIGHTED = re.compile(r"^(.*?)(?:\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+)))?\s*$", re.DOTALL)


@dataclass(frozen=True)
class JoinedPrompt:
    """One of the prompts that are joined; its difference to the negative prompt counts `weight`."""

    text: str
    weight: float = 1.0


def joined_prompts(prompt: str) -> tuple[JoinedPrompt, ...]:
    """Return the prompts that `AND` joins, at least one, without the names of networks.

    As in A1111 brackets do not hold an `AND` back, and the weight of a prompt is a number behind a
    colon at its end, also where nothing is joined.
    """
    return tuple(_read(piece) for piece in JOINING.split(without_networks(prompt)))


def is_plain(prompt: str) -> bool:
    """Whether a prompt is a single one of weight 1, which needs no guidance to be drawn."""
    return [joined.weight for joined in joined_prompts(prompt)] == [1.0]


def _read(piece: str) -> JoinedPrompt:
    found = _WEIGHTED.search(piece)
    if found is None:
        return JoinedPrompt(piece)
    return JoinedPrompt(found[1], float(found[2] or 1))
