"""Shared by every test. Real services are found or started by hub.embedded.pytest_plugin."""

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Start each test in English: a request leaves its language behind in the thread."""
    with translation.override("en"):
        yield
