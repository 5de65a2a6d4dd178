"""Shared by the tests of the registry."""

from collections.abc import Iterator

import pytest

from tests.factories.remote_site import Site, serving_site


@pytest.fixture
def site(settings) -> Iterator[Site]:
    """A server on this machine, which the settings allow to be asked."""
    settings.IMPORT_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    with serving_site() as shown:
        yield shown
