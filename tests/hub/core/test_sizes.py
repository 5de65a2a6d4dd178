"""Sizes in sentences."""

import pytest

from hub.core.sizes import size_beside_limit


@pytest.mark.parametrize(
    ("size", "limit", "told"),
    [
        (30 * 1024**2, 20 * 1024**2, {"size": "30 MB", "limit": "20 MB"}),
        (20 * 1024**2 + 1, 20 * 1024**2, {"size": "20,971,521 B", "limit": "20,971,520 B"}),
    ],
)
def test_a_size_just_above_its_limit_never_reads_like_the_limit(
    size: int, limit: int, told: dict[str, str]
) -> None:
    assert size_beside_limit(size, limit) == told
