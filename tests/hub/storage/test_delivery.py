import pytest
from asgiref.sync import async_to_sync
from django.test import RequestFactory

from hub.core.errors import Gone
from hub.storage.backends.base import key_for
from hub.storage.backends.chosen import blob_store
from hub.storage.blobs import store_bytes
from hub.storage.delivery import content_disposition, serve_blob

pytestmark = pytest.mark.django_db
DATA = bytes(range(256)) * 8


@pytest.fixture
def blob():
    return store_bytes(DATA, content_type="application/octet-stream")


def _get(blob, method="get", **headers):
    request = getattr(RequestFactory(), method)("/", headers=headers)
    return serve_blob(request, blob, filename="a.bin")


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=10-19", 206, slice(10, 20)),
        ("bytes=2040-", 206, slice(2040, 2048)),
        ("bytes=2040-99999", 206, slice(2040, 2048)),
        ("bytes=-5", 206, slice(2043, 2048)),
        ("bytes=-99999", 206, slice(0, 2048)),
        ("bytes=0-1,5-6", 200, slice(0, 2048)),
        ("lines=1-2", 200, slice(0, 2048)),
    ],
)
def test_one_range_is_honoured(blob, asked, status, part):
    response = _get(blob, Range=asked)
    assert response.status_code == status
    assert b"".join(response) == DATA[part]
    assert int(response["Content-Length"]) == len(DATA[part])
    if status == 206:
        assert response["Content-Range"] == f"bytes {part.start}-{part.stop - 1}/2048"
    response.close()


@pytest.mark.parametrize("asked", ["bytes=2048-", "bytes=9-3", "bytes=-0"])
def test_a_range_outside_the_file_is_416_with_its_size(blob, asked):
    response = _get(blob, Range=asked)
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */2048"


def test_a_resume_with_another_etag_starts_over(blob):
    response = _get(blob, Range="bytes=10-", **{"If-Range": '"another"'})
    assert response.status_code == 200
    response.close()


def test_a_range_of_numbers_that_no_file_has_gets_the_whole(blob):
    response = _get(blob, Range=f"bytes={'9' * 5000}-")
    assert (response.status_code, response["Content-Length"]) == (200, "2048")
    response.close()


def test_the_etag_is_the_sha256_and_a_known_file_is_not_sent_again(blob):
    response = _get(blob)
    assert response["ETag"] == f'"{blob.sha256}"'
    response.close()
    assert _get(blob, **{"If-None-Match": response["ETag"]}).status_code == 304
    for tags in (f"W/{response['ETag']}", f'"x", {response["ETag"]}', "*"):
        assert _get(blob, **{"If-None-Match": tags}).status_code == 304
    assert _get(blob, **{"If-None-Match": '"x", W/"y"'}).status_code == 200
    assert _get(blob, Range="Bytes=0-0").status_code == 206


def test_head_tells_the_length_without_bytes(blob):
    response = _get(blob, method="head")
    assert response["Content-Length"] == "2048"
    assert response.content == b""


def test_a_large_file_is_streamed_in_chunks_under_asgi():
    data = b"x" * (3 * 1024 * 1024 + 7)
    response = _get(store_bytes(data, content_type="application/octet-stream"))

    async def pieces():
        return [len(piece) async for piece in response]

    sizes = async_to_sync(pieces)()
    assert sum(sizes) == len(data)
    assert max(sizes) <= 1024 * 1024
    response.close()


def test_the_name_is_one_parameter_of_raw_utf8_with_nothing_that_could_break_out():
    assert content_disposition("a.safetensors") == 'attachment; filename="a.safetensors"'
    wire = content_disposition('雪\r\n女".bin').encode("latin-1")
    assert wire == 'attachment; filename="雪__女_.bin"'.encode()


def test_bytes_that_the_store_lost_are_gone_not_an_error_500(blob):
    blob_store().delete(key_for(blob.sha256))
    with pytest.raises(Gone):
        _get(blob)


def test_nginx_sends_the_bytes_where_the_settings_say_so(blob, settings):
    settings.STORAGE_INTERNAL_PREFIX = "/protected/"
    response = _get(blob)
    assert response["X-Accel-Redirect"] == f"/protected/{key_for(blob.sha256)}"
    assert response.content == b""
    assert "Accept-Ranges" not in response  # nginx adds its own


def test_a_file_that_nginx_would_not_find_is_gone(blob, settings):
    settings.STORAGE_INTERNAL_PREFIX = "/protected/"
    blob_store().delete(key_for(blob.sha256))
    with pytest.raises(Gone):
        _get(blob)
