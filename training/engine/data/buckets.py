"""Aspect-ratio buckets: which size a picture is trained at. Torch-free and pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

Size = tuple[int, int]


@dataclass(frozen=True)
class BucketRule:
    """How the table of sizes is made; all figures in pixels."""

    resolution: int
    enabled: bool = True
    step: int = 64
    min_side: int | None = None
    max_side: int | None = None
    upscale: bool = True

    @property
    def shortest(self) -> int:
        """Return the shortest side of a bucket."""
        return _down(self.min_side or self.resolution // 2, self.step)

    @property
    def longest(self) -> int:
        """Return the longest side of a bucket."""
        return _down(self.max_side or self.resolution * 2, self.step)


def bucket_table(rule: BucketRule) -> tuple[Size, ...]:
    """Return all (width, height) in steps whose area is at most that of the square, sorted.

    As in kohya's, the square is of a resolution that is no multiple of the step the next smaller.
    """
    if not rule.enabled:
        return ((rule.resolution, rule.resolution),)
    area = rule.resolution**2
    side = min(rule.resolution, _down(rule.resolution, rule.step))
    sizes = {(side, side)}
    for width in range(rule.shortest, rule.longest + 1, rule.step):
        height = min(rule.longest, _down(area // width, rule.step))
        if height >= rule.shortest:
            sizes |= {(width, height), (height, width)}
    return tuple(sorted(sizes))


def choose_bucket(size: Size, rule: BucketRule, table: tuple[Size, ...]) -> Size:
    """Return the (width, height) at which a picture of `size` is trained.

    The nearest aspect ratio wins; of equal ones the larger. Without upscaling, a small picture
    gets a bucket of its own size, rounded down, and no side is longer than the picture's.
    """
    width, height = size
    if rule.enabled and not rule.upscale and width * height < rule.resolution**2:
        return (_down(width, rule.step), _down(height, rule.step))
    wanted = math.log(width / height)
    best = min(table, key=lambda b: (round(abs(math.log(b[0] / b[1]) - wanted), 6), -b[0] * b[1]))
    if rule.enabled and not rule.upscale:  # a long, narrow picture may fit into none
        return (min(best[0], _down(width, rule.step)), min(best[1], _down(height, rule.step)))
    return best


def _down(value: int, step: int) -> int:
    return max(step, value // step * step)
