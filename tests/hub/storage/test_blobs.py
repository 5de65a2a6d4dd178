import os
from datetime import timedelta

import pytest
from django.utils import timezone

from hub.storage.blobs import blob_exists, ensure_local, file_sha256, store_bytes, store_path
from hub.storage.garbage import collect_garbage
from hub.storage.models import Blob
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def test_the_same_bytes_are_one_row_and_one_object(tmp_path):
    first = store_bytes(b"same bytes", content_type="text/plain")
    file = tmp_path / "again"
    file.write_bytes(b"same bytes")
    assert store_path(file, content_type="text/plain", move=True) == first
    assert not file.exists()
    assert Blob.objects.filter(sha256=first.sha256).count() == 1


def test_a_local_copy_has_the_same_bytes_and_is_made_once(tmp_path):
    blob = store_bytes(b"bytes for a worker", content_type="text/plain")
    path = ensure_local(blob, tmp_path, name="a.txt")
    assert file_sha256(path) == blob.sha256
    assert ensure_local(blob, tmp_path, name="a.txt") == path


def test_the_collector_takes_what_a_killed_process_had_begun_to_store(settings, tmp_path):
    settings.STORAGE_URL = tmp_path.as_uri()
    store_bytes(b"whole", content_type="text/plain")
    (begun,) = [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    left, growing = begun / "left", begun / "growing"
    for path in (left, growing):
        path.write_bytes(b"half")
    os.utime(left, (0, 0))
    collect_garbage()
    assert not left.exists()
    assert growing.exists()


def test_the_collector_takes_old_orphans_and_nothing_else(django_capture_on_commit_callbacks):
    orphan = store_bytes(b"orphan", content_type="text/plain")
    young = store_bytes(b"young", content_type="text/plain")
    used = store_bytes(b"an avatar", content_type="image/png")
    UserFactory(avatar=used)
    Blob.objects.exclude(pk=young.pk).update(created_at=timezone.now() - timedelta(days=8))
    with django_capture_on_commit_callbacks(execute=True):
        assert collect_garbage() == 1
    assert not blob_exists(orphan)
    assert not Blob.objects.filter(pk=orphan.pk).exists()
    assert blob_exists(young)
    assert blob_exists(used)
