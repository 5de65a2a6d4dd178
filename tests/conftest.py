"""Shared by every test. Real services are found or started by hub.embedded.pytest_plugin."""

import gc
import sys
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from tests.initial_rows import InitialRows
from tests.migrated_database import migrated_database

LONG_SECONDS = 300
LIBRARIES = "(diffusers|transformers|peft|torch|huggingface_hub)"
# How long an example takes says how busy the machine is, nothing about the code.
settings.register_profile("atelier", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("atelier")
gc.disable()  # while the tests are collected: what they import stays


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that the processes of a run end together.

    What trains lets the training libraries warn about themselves; our own warnings stay errors.
    """
    items.sort(key=lambda item: -_long_seconds(item))
    for item in items:
        if item.get_closest_marker("engine"):
            for kind in ("DeprecationWarning", "FutureWarning", "UserWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{kind}:{LIBRARIES}"))


def pytest_collection_finish() -> None:
    """Whatever was imported stays: the collector need not walk through it, as under hub.asgi."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)
    gc.enable()


def _long_seconds(item: pytest.Item) -> float:
    """The time that a long test is allowed, 0 for all others."""
    allowed = item.get_closest_marker("timeout")
    return allowed.args[0] if allowed and allowed.args[0] >= LONG_SECONDS else 0


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Start each test in English: a request leaves its language behind in the thread."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session", autouse=True)
def trainer_that_waits_ends() -> Iterator[None]:
    """A process that trained in a test and waits for more ends with the tests."""
    yield
    loaded = sys.modules.get("training.worker.trainer_process")
    if loaded is not None:
        loaded.KEPT.end()


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
    connection.settings_dict["TEST"]["SERIALIZE"] = False  # tests/initial_rows.py


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, which each test finds as the migrations left it."""
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setattr(TransactionTestCase, "_fixture_teardown", InitialRows().put_back)
        yield
