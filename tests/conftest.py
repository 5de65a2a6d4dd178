"""Shared by every test. Real services are found or started by hub.embedded.pytest_plugin."""

from collections.abc import Iterator

import pytest
from django.utils import translation
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, nothing about the code.
settings.register_profile("atelier", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("atelier")


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Start each test in English: a request leaves its language behind in the thread."""
    with translation.override("en"):
        yield
