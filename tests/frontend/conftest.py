"""Every test of the pages starts in English; a request may have left another language behind."""

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """The language of the source."""
    with translation.override("en"):
        yield
