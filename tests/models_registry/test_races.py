"""Several at once: real threads, real connections, one outcome."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from hub.core.models import AuditEvent
from models_registry.models.file import ModelFile
from models_registry.models.version import ModelVersion
from models_registry.services import download, drafts, files, publish
from tests.factories.accounts import UserFactory
from tests.factories.registry import (
    add_clean_file,
    make_model,
    make_version,
    publish_model,
    store_lora,
)

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4


def at_once(action: Callable[[int], object]) -> list[object]:
    """Run the action in threads that start together, each with its own connection."""
    barrier = Barrier(THREADS)

    def run(number: int) -> object:
        barrier.wait()
        try:
            return action(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_publishing_at_once_publishes_once():
    version = make_version(make_model())
    add_clean_file(version)
    owner = version.model.owner
    at_once(
        lambda _: publish.publish_version(
            actor=owner, version=ModelVersion.objects.get(pk=version.pk)
        )
    )
    assert AuditEvent.objects.filter(action="version.publish").count() == 1


def test_versions_made_at_once_get_different_numbers():
    model = make_model()
    made = at_once(lambda _: drafts.create_version(actor=model.owner, model=model).index)
    assert sorted(made) == [1, 2, 3, 4]


def test_downloads_of_one_person_at_once_count_once():
    version = publish_model()
    file, reader = version.files.get(), UserFactory()
    counted = at_once(lambda _: download.record_download(file=file, user=reader))
    assert sorted(counted) == [False, False, False, True]
    version.refresh_from_db()
    assert version.download_count == 1


def test_files_added_at_once_leave_one_primary():
    version = make_version(make_model())
    blobs = [store_lora(seed=seed) for seed in range(THREADS)]
    at_once(
        lambda number: files.add_file(
            actor=version.model.owner, version=version, blob=blobs[number], name=f"{number}.pt"
        )
    )
    assert ModelFile.objects.filter(version=version).count() == THREADS
    assert ModelFile.objects.filter(version=version, is_primary=True).count() == 1


def test_the_same_bytes_added_at_once_are_one_file():
    version = make_version(make_model())
    blob = store_lora()
    made = at_once(
        lambda _: files.add_file(actor=version.model.owner, version=version, blob=blob).pk
    )
    assert len(set(made)) == 1


def test_a_file_processed_twice_at_once_has_each_hash_once():
    version = make_version(make_model())
    file = files.add_file(actor=version.model.owner, version=version, blob=store_lora())
    at_once(lambda _: files.process_file(file_id=file.pk))
    kinds = list(file.hashes.values_list("kind", flat=True))
    assert len(kinds) == len(set(kinds)) == 5
