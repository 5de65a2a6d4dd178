"""The S3 store against a server that speaks S3 on this machine."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hub.storage.backends.base import key_for
from hub.storage.backends.s3 import S3Store
from hub.storage.blobs import store_bytes
from hub.storage.delivery import serve_blob

BUCKET = "atelier-files"
KEY = key_for("ab" * 32)
DATA = b"bytes of a model" * 1000


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(endpoint: str, monkeypatch) -> S3Store:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=BUCKET)
    return S3Store(f"s3://{BUCKET}/hub?endpoint={endpoint}&region=us-east-1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(DATA)
    return path


def test_an_object_is_stored_read_and_removed(store: S3Store, file: Path) -> None:
    store.put_path(KEY, file, move=False)
    assert file.exists()
    assert store.exists(KEY)
    with store.open(KEY) as reader:
        assert reader.read(10) == DATA[:10]
        reader.seek(-5, 2)
        assert reader.read() == DATA[-5:]
        reader.seek(16)
        assert reader.read(7) == DATA[16:23]
        reader.seek(0)
        assert reader.read() == DATA
        assert reader.read() == b""
    assert store.local_path(KEY) is None

    store.delete(KEY)
    store.delete(KEY)
    assert not store.exists(KEY)
    with pytest.raises(FileNotFoundError):
        store.open(KEY)


def test_a_moved_file_is_gone_and_a_known_object_is_left_as_it_is(store, file, tmp_path) -> None:
    store.put_path(KEY, file, move=True)
    assert not file.exists()
    other = tmp_path / "other"
    other.write_bytes(b"other bytes")
    store.put_path(KEY, other, move=True)
    assert not other.exists()
    with store.open(KEY) as reader:
        assert reader.read() == DATA


def test_reading_a_header_fetches_no_more_than_a_piece(store, tmp_path, monkeypatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(9 << 20))
    store.put_path("ab/cd/large", path, move=False)
    fetched = []
    get_object = store.client.get_object

    def counting(**asked):
        fetched.append(asked["Range"])
        return get_object(**asked)

    monkeypatch.setattr(store.client, "get_object", counting)
    with store.open("ab/cd/large") as reader:
        reader.seek(0, 2)
        reader.seek(0)
        reader.read(8)
    assert fetched == [f"bytes=0-{(4 << 20) - 1}"]


def test_a_link_gives_the_bytes_by_range_under_the_right_name(store: S3Store, file: Path) -> None:
    store.put_path(KEY, file, move=False)
    link = store.signed_url(
        KEY, disposition='attachment; filename="m.bin"', content_type="image/png", seconds=60
    )

    request = urllib.request.Request(link, headers={"Range": "bytes=0-15"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 206
        assert answer.read() == DATA[:16]
        assert answer.headers["Content-Disposition"] == 'attachment; filename="m.bin"'
        assert answer.headers["Content-Type"] == "image/png"


def test_links_name_the_endpoint_that_browsers_reach(endpoint: str, store: S3Store) -> None:
    url = f"s3://{BUCKET}?endpoint={endpoint}&public=https://files.example.org&region=us-east-1"
    link = S3Store(url).signed_url(KEY, disposition="inline", content_type="a/b", seconds=60)

    assert urlsplit(link).netloc == "files.example.org"
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link


@pytest.mark.django_db
def test_a_page_gets_pictures_from_our_own_origin_and_downloads_from_the_bucket(
    endpoint: str, store: S3Store, settings, rf
) -> None:
    settings.STORAGE_URL = f"s3://{BUCKET}?endpoint={endpoint}&region=us-east-1"
    blob = store_bytes(DATA, content_type="image/png")

    shown = serve_blob(rf.get("/"), blob, filename="a.png", inline=True)
    assert (shown.status_code, b"".join(shown)) == (200, DATA)
    shown.close()

    settings.BUCKET_LINK_SECONDS = 90
    sent = serve_blob(rf.get("/"), blob, filename="a.png")
    assert sent.status_code == 302
    assert "X-Amz-Expires=90&" in sent["Location"]
    with urllib.request.urlopen(sent["Location"], timeout=30) as answer:
        assert answer.read() == DATA
