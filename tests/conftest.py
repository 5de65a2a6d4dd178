"""Shared by every test. Real services are found or started by hub.embedded.pytest_plugin."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from tests.migrated_database import migrated_database

LONG_SECONDS = 300
# How long an example takes says how busy the machine is, nothing about the code.
settings.register_profile("atelier", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("atelier")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that the processes of a run end together.

    Not with tests that empty the database: those that need its first rows come before them.
    """
    items.sort(key=lambda item: 0 if _may_empty_the_database(item) else -_long_seconds(item))


def _long_seconds(item: pytest.Item) -> float:
    """The time that a long test is allowed, 0 for all others."""
    allowed = item.get_closest_marker("timeout")
    return allowed.args[0] if allowed and allowed.args[0] >= LONG_SECONDS else 0


def _may_empty_the_database(item: pytest.Item) -> bool:
    names = getattr(item, "fixturenames", ())
    uses_it = "transactional_db" in names or item.get_closest_marker("django_db") is not None
    return uses_it and "django_db_serialized_rollback" not in names


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Start each test in English: a request leaves its language behind in the thread."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings_parallel_suffix: None,
    django_db_blocker: DjangoDbBlocker,
) -> None:
    """Let the test database be a copy of a migrated one."""
    with django_db_blocker.unblock():
        name = migrated_database(request.config.cache.mkdir("database"))
    connection.settings_dict["TEST"]["TEMPLATE"] = name
