"""The store in a bucket, against an S3 in this process."""

import hashlib

import pytest
from moto import mock_aws

from hub.storage.backends.base import key_for
from hub.storage.backends.s3 import S3Store

DATA = bytes(range(256)) * 64


@pytest.fixture
def store(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        made = S3Store("s3://models/blobs?region=us-east-1")
        made.client.create_bucket(Bucket="models")
        yield made


def test_an_object_is_stored_read_by_range_and_removed(store, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    key = key_for(hashlib.sha256(DATA).hexdigest())
    with pytest.raises(FileNotFoundError):
        store.open(key)
    store.put_path(key, path, move=True)
    assert store.exists(key)
    assert not path.exists()
    with store.open(key) as file:
        assert file.read(10) == DATA[:10]
        file.seek(-5, 2)
        assert file.read() == DATA[-5:]
        file.seek(300)
        assert file.read(7) == DATA[300:307]
        file.seek(0)
        assert file.read() == DATA
        assert file.read() == b""
    link = store.signed_url(key, disposition="x", content_type="y/z", seconds=60)
    assert f"blobs/{key}" in link
    store.delete(key)
    assert not store.exists(key)


def test_reading_a_header_fetches_no_more_than_a_piece(store, tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(bytes(9 << 20))
    store.put_path("ab/cd/large", path, move=False)
    fetched = []
    get_object = store.client.get_object

    def counting(**asked):
        fetched.append(asked["Range"])
        return get_object(**asked)

    monkeypatch.setattr(store.client, "get_object", counting)
    with store.open("ab/cd/large") as file:
        file.seek(0, 2)
        file.seek(0)
        file.read(8)
    assert fetched == [f"bytes=0-{(4 << 20) - 1}"]
