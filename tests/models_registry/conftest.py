"""Shared by the tests of the registry."""

import pytest

from tests.factories.registry import seed_base_models


@pytest.fixture(autouse=True)
def base_models(request):
    """The seeded table, also after a transactional test has emptied the database."""
    if request.node.get_closest_marker("django_db"):
        seed_base_models()
