"""How many looks a picture has: each of its places as often, each look in colours of its own.

Imports neither torch nor NumPy.
"""

from __future__ import annotations

from training.engine.config.train import TrainConfig

CUTS = 8  # places of a picture that is cut by chance, at most
VARIANTS = 4  # changes of colour that a picture has beside its own colours, at least


def look_count(places: int, *, coloured: bool) -> int:
    """Return how many looks show each of the places as often, in enough colours where asked."""
    return places * -(-(VARIANTS + 1) // places) if coloured else places


def most_looks(config: TrainConfig) -> int:
    """Return how many looks a picture to learn from has at most; mirrors are not counted."""
    places = range(1, (CUTS if config.crop == "random" else 1) + 1)
    return max(look_count(count, coloured=config.colour_augmentation) for count in places)
