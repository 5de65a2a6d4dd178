"""Places that a picture is cut at by chance (kohya's `random_crop`). Torch-free.

Latents are cached, so a picture has a fixed number of cuts instead of a new one in each step: which
of them a step shows is drawn, where they lie follows from the picture alone. Each has a stretch of
its own of the room that there is, so that together they show all of it, and a place in it by
chance: over all cuts any place is as likely as in kohya's `trim_and_resize_if_required`.
"""

from __future__ import annotations

import hashlib

from training.engine import randomness
from training.engine.data.pictures import covering
from training.engine.looks import CUTS


def random_focuses(
    size: tuple[int, int], bucket: tuple[int, int], sha256: str
) -> list[tuple[float, float]]:
    """Return the middle (x, y) of each cut of a picture of `size`, as `cut` takes it.

    A picture that fits its bucket has one, and none has more than there are places.
    """
    whole = covering(size, bucket)
    rooms = [length - part for length, part in zip(whole, bucket, strict=True)]
    count = min(CUTS, max(rooms) + 1)
    seed = int.from_bytes(hashlib.sha256(sha256.encode()).digest()[:8], "little")
    found = []
    for number in range(count):
        draws = randomness.generator(seed, "cut", number).uniform(0, 1, 2)
        starts = [
            int((number + float(draw)) / count * (room + 1))
            for draw, room in zip(draws, rooms, strict=True)
        ]
        x, y = (
            (start + part / 2) / length
            for start, part, length in zip(starts, bucket, whole, strict=True)
        )
        found.append((x, y))
    return found
