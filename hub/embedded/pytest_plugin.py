"""Gives a pytest session real services: `python -m pytest -p hub.embedded.pytest_plugin`.

Named on the command line since it must come before pytest-django reads the settings, which is
before any conftest is loaded. The workers of pytest-xdist inherit the addresses.
"""

import os
from collections.abc import Generator

import pytest

from hub.embedded.testing import ensure_services, stop_services, take_own_queue


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Start what the environment does not name."""
    ensure_services()
    take_own_queue(os.environ.get("PYTEST_XDIST_WORKER", ""))
    yield


def pytest_unconfigure() -> None:
    """Stop what was started here."""
    stop_services()
