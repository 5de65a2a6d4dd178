import asyncio
import base64
import fcntl
import hashlib
import itertools
import json
import os
import threading
from datetime import timedelta

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async

from hub.core.errors import Conflict, NotFound
from hub.storage import tus, uploads
from hub.storage.blobs import open_blob
from hub.storage.garbage import collect_garbage
from hub.storage.models import Blob, Upload, UploadStatus
from hub.storage.tus import PREFIX, TusApp
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Client:
    """Speaks tus to the application as an ASGI server does, body in pieces."""

    def __init__(self, user):
        self.user = user
        self.app = self.fresh()

    def fresh(self):
        async def find(_scope):
            return self.user

        return TusApp(find)

    async def send(self, method, path=PREFIX, headers=None, body=(b"",), broken=False):
        sent = {"tus-resumable": "1.0.0", "host": "hub", **(headers or {})}
        pairs = [(name.lower().encode(), str(value).encode()) for name, value in sent.items()]
        scope = {"type": "http", "method": method, "path": path, "headers": pairs}
        link = ApplicationCommunicator(self.app, scope)
        for number, piece in enumerate(body):
            more = broken or number < len(body) - 1
            await link.send_input({"type": "http.request", "body": piece, "more_body": more})
        if broken:
            await link.send_input({"type": "http.disconnect"})
        start = await link.receive_output(5)
        answer = await link.receive_output(5)
        return (
            start["status"],
            {k.decode(): v.decode() for k, v in start["headers"]},
            answer["body"],
        )

    async def create(self, size, name="a.safetensors", purpose="model_file", **headers):
        encoded = {
            k: base64.b64encode(v.encode()).decode()
            for k, v in (("filename", name), ("purpose", purpose))
        }
        metadata = ",".join(f"{key} {value}" for key, value in encoded.items())
        told = {"Upload-Length": size, "Upload-Metadata": metadata}
        return await self.send("POST", headers={**told, **headers})

    async def patch(self, path, offset, *body, broken=False, **more):
        headers = {"Upload-Offset": offset, "Content-Type": "application/offset+octet-stream"}
        return await self.send("PATCH", path, headers | more, body, broken=broken)


@pytest.fixture
def person():
    return UserFactory()


@pytest.fixture
def client(person):
    return Client(person)


@database_sync_to_async
def _only_upload():
    return Upload.objects.select_related("blob").get()


async def test_an_upload_cut_off_in_the_middle_goes_on_and_has_the_right_hash(client):
    data = os.urandom(300_000)
    status, headers, _body = await client.create(len(data))
    assert status == 201
    place = headers["location"]
    await client.patch(place, 0, data[:100_000], data[100_000:150_000], broken=True)
    _status, headers, _body = await client.send("HEAD", place)
    assert headers["upload-offset"] == "150000"
    client.app = client.fresh()
    status, headers, _body = await client.patch(place, 150_000, data[150_000:])
    assert (status, headers["upload-offset"]) == (204, "300000")
    upload = await _only_upload()
    assert upload.status == UploadStatus.COMPLETE
    assert upload.blob.sha256 == hashlib.sha256(data).hexdigest()
    with open_blob(upload.blob) as stored:
        assert stored.read() == data


async def test_pieces_by_one_process_are_hashed_on_the_way(client):
    data = os.urandom(9_000_000)
    _status, headers, _body = await client.create(len(data))
    place = headers["location"]
    await client.patch(place, 0, data[:5_000_000])
    await client.patch(place, 5_000_000, data[5_000_000:])
    assert (await _only_upload()).blob.sha256 == hashlib.sha256(data).hexdigest()


async def test_a_wrong_offset_is_a_conflict_that_names_the_right_one(client):
    _status, headers, _body = await client.create(10)
    status, _headers, body = await client.patch(headers["location"], 4, b"abc")
    assert status == 409
    assert b"offset is 0" in body


async def test_more_bytes_than_announced_are_refused(client):
    _status, headers, _body = await client.create(2)
    status, _headers, _body = await client.patch(headers["location"], 0, b"abc")
    assert status == 413


async def test_the_size_limit_holds_on_both_sides(client, settings):
    settings.UPLOAD_MAX_BYTES = 100
    assert (await client.create(100))[0] == 201
    status, _headers, body = await client.create(101)
    assert status == 413
    assert b"limit is 100" in body


async def test_a_refusal_is_in_the_language_of_the_page(client, settings):
    settings.UPLOAD_MAX_BYTES = 100
    for language, said in (("zh-hans", "上限"), ("en", "limit is 100")):
        cookie = f"django_language={language}"
        status, _headers, body = await client.create(101, Cookie=cookie)
        assert status == 413
        assert said in json.loads(body)["error"]


async def test_the_quota_holds_on_both_sides(client, settings):
    settings.USER_QUOTA_BYTES = 100
    assert (await client.create(60))[0] == 201
    assert (await client.create(41))[0] == 413
    assert (await client.create(40))[0] == 201


async def test_nobody_and_another_person_get_nothing(client):
    _status, headers, _body = await client.create(3)
    place = headers["location"]
    client.user = None
    assert (await client.send("HEAD", place))[0] == 401
    other = Client(await database_sync_to_async(UserFactory)())
    assert (await other.send("HEAD", place))[0] == 404
    assert (await other.send("DELETE", place))[0] == 404


async def test_a_page_of_another_site_is_refused(client):
    status, _headers, _body = await client.send("POST", headers={"Origin": "https://elsewhere"})
    assert status == 403


async def test_the_name_is_never_a_path(client):
    await client.create(3, name="../../etc/pass\x00wd")
    assert (await _only_upload()).filename == "passwd"


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Length": "-1"},
        {"Upload-Length": "x"},
        {},
        {"Upload-Length": "1", "Upload-Metadata": "filename ???"},
        {"Upload-Length": "1", "Upload-Metadata": "purpose " + base64.b64encode(b"x").decode()},
    ],
)
async def test_a_malformed_request_is_400(client, headers):
    assert (await client.send("POST", headers=headers))[0] == 400


def _sum(data, name="sha1"):
    digest = base64.b64encode(hashlib.new(name, data).digest()).decode()
    return {"Upload-Checksum": f"{name} {digest}"}


async def test_what_is_offered_is_told(client):
    status, headers, _body = await client.send("OPTIONS")
    assert status == 204
    assert "checksum" in headers["tus-extension"].split(",")
    assert headers["tus-checksum-algorithm"] == "sha1,sha256"
    assert int(headers["tus-max-size"]) > 0


@pytest.mark.parametrize("name", ["sha1", "sha256"])
async def test_damaged_bytes_are_dropped_and_the_right_ones_taken(client, name):
    data = os.urandom(5_000_000)
    _status, headers, _body = await client.create(2 * len(data))
    place = headers["location"]
    assert (await client.patch(place, 0, data, **_sum(data, name)))[0] == 204
    status, headers, body = await client.patch(place, len(data), data, **_sum(b"other", name))
    assert (status, headers["upload-offset"], json.loads(body)["code"]) == (
        460,
        str(len(data)),
        "checksum",
    )
    assert (await client.patch(place, len(data), data, **_sum(data, name)))[0] == 204
    assert (await _only_upload()).sha256 == hashlib.sha256(2 * data).hexdigest()


async def test_damaged_bytes_do_not_have_those_before_them_hashed_again(client, monkeypatch):
    monkeypatch.setattr("hub.storage.blobs.file_sha256", lambda _path: pytest.fail("read again"))
    data = os.urandom(300_000)
    _status, headers, _body = await client.create(len(data))
    place = headers["location"]
    await client.patch(place, 0, data[:9])
    assert (await client.patch(place, 9, data[9:], **_sum(b"other")))[0] == 460
    assert (await client.patch(place, 9, data[9:], **_sum(data[9:])))[0] == 204
    assert (await _only_upload()).sha256 == hashlib.sha256(data).hexdigest()


async def test_of_a_promised_piece_that_breaks_off_nothing_is_kept(client):
    data = os.urandom(300_000)
    _status, headers, _body = await client.create(len(data))
    place = headers["location"]
    await client.patch(place, 0, data[:9], data[9:100], broken=True, **_sum(data))
    assert (await client.send("HEAD", place))[1]["upload-offset"] == "0"


@pytest.mark.parametrize("told", ["md4 AAAA", "sha1", "sha1 ???", "sha256 AAAA", ""])
async def test_a_checksum_that_is_none_is_400(client, told):
    _status, headers, _body = await client.create(3)
    place = headers["location"]
    assert (await client.patch(place, 0, b"abc", **{"Upload-Checksum": told}))[0] == 400
    assert (await client.send("HEAD", place))[1]["upload-offset"] == "0"


async def test_the_method_that_a_header_names_goes_before_that_of_the_request(client):
    _status, headers, _body = await client.create(3)
    place = headers["location"]
    told = {
        "X-HTTP-Method-Override": "PATCH",
        "Upload-Offset": 0,
        "Content-Type": "application/offset+octet-stream",
    }
    assert (await client.send("POST", place, told, (b"abc",)))[0] == 204
    assert (await _only_upload()).status == UploadStatus.COMPLETE


async def test_terminating_drops_the_bytes(client):
    _status, headers, _body = await client.create(3)
    place = headers["location"]
    await client.patch(place, 0, b"a")
    assert (await client.send("DELETE", place))[0] == 204
    assert (await client.send("HEAD", place))[0] == 404


def test_a_complete_upload_is_used_once_and_by_its_owner_only(person):
    upload = uploads.begin_upload(actor=person, purpose="image", filename="a.png", size_bytes=3)
    with pytest.raises(Conflict, match="not complete"):
        uploads.consume_upload(actor=person, upload_id=upload.pk, purpose="image")
    uploads.partial_path(upload.pk).write_bytes(b"abc")
    uploads.complete_upload(upload=upload, sha256=None)
    with pytest.raises(NotFound):
        uploads.consume_upload(actor=UserFactory(), upload_id=upload.pk, purpose="image")
    with pytest.raises(NotFound):
        uploads.consume_upload(actor=person, upload_id=upload.pk, purpose="dataset")
    assert uploads.consume_upload(actor=person, upload_id=upload.pk, purpose="image").blob
    with pytest.raises(Conflict, match="used already"):
        uploads.consume_upload(actor=person, upload_id=upload.pk, purpose="image")


def test_unused_uploads_expire_and_used_ones_stay(person):
    def made(status):
        upload = uploads.begin_upload(actor=person, purpose="image", filename="a", size_bytes=1)
        Upload.objects.filter(pk=upload.pk).update(status=status, expires_at=upload.created_at)
        return upload

    old, used = made(UploadStatus.RECEIVING), made(UploadStatus.CONSUMED)
    assert uploads.expire_uploads() == 1
    assert not uploads.partial_path(old.pk).exists()
    assert list(Upload.objects.all()) == [used]


async def test_two_writers_of_one_upload_get_a_conflict_even_in_two_processes(client):
    _status, headers, _body = await client.create(3)
    place = headers["location"]
    upload = await _only_upload()
    with uploads.partial_path(upload.pk).open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        status, _headers, body = await client.patch(place, 0, b"abc")
    assert status == 409
    assert b"being written" in body
    assert (await client.patch(place, 0, b"abc"))[0] == 204


def test_a_process_that_died_before_the_last_step_does_not_lose_the_upload(person):
    upload = uploads.begin_upload(actor=person, purpose="image", filename="a.png", size_bytes=3)
    uploads.partial_path(upload.pk).write_bytes(b"abc")
    used = uploads.consume_upload(actor=person, upload_id=upload.pk, purpose="image")
    assert used.blob.sha256 == hashlib.sha256(b"abc").hexdigest()


def test_a_used_upload_lets_its_blob_go_and_the_quota_follows_what_is_kept(person):
    upload = uploads.begin_upload(actor=person, purpose="image", filename="a", size_bytes=3)
    uploads.partial_path(upload.pk).write_bytes(b"abc")
    uploads.consume_upload(actor=person, upload_id=upload.pk, purpose="image")
    assert uploads.used_bytes(person) == 3
    Upload.objects.update(expires_at=upload.created_at)
    assert uploads.expire_uploads() == 0
    blob = Blob.objects.get()
    assert not Upload.objects.filter(blob=blob).exists()
    assert uploads.used_bytes(person) == 3
    Blob.objects.update(created_at=upload.created_at - timedelta(days=8))
    collect_garbage()
    assert uploads.used_bytes(person) == 0


async def test_the_disk_takes_its_part_while_the_rest_arrives(client, monkeypatch):
    flushed = []
    monkeypatch.setattr(tus, "WRITE_BYTES", 100)
    monkeypatch.setattr(tus, "FLUSH_BYTES", 200)
    monkeypatch.setattr(tus, "FLUSH", lambda descriptor: flushed.append(os.fstat(descriptor)))
    data = os.urandom(1000)
    _status, headers, _body = await client.create(len(data))
    pieces = [data[start : start + 100] for start in range(0, 1000, 100)]
    status, _headers, _body = await client.patch(headers["location"], 0, *pieces)
    assert (status, len(flushed) > 0) == (204, True)
    upload = await _only_upload()
    assert upload.sha256 == hashlib.sha256(data).hexdigest()


async def test_after_a_lost_write_only_what_is_safe_on_the_disk_is_kept(tmp_path, monkeypatch):
    """Neither a lot twice, nor one that the disk may not have: the sender goes on from the rest."""
    sizes, sent = [], itertools.count()

    def flush(descriptor):
        sizes.append(os.fstat(descriptor).st_size)
        if len(sizes) == 3:
            raise OSError(5, "Input/output error")

    async def receive():
        await asyncio.to_thread(bool)  # lets the threads come to their end
        return {"type": "http.request", "body": b"%0100d" % next(sent), "more_body": True}

    monkeypatch.setattr(tus, "WRITE_BYTES", 100)
    monkeypatch.setattr(tus, "FLUSH_BYTES", 300)
    monkeypatch.setattr(tus, "FLUSH", flush)
    path = tmp_path / "partial"
    with path.open("ab", buffering=0) as file, pytest.raises(OSError, match="Input/output error"):
        await tus._copy_body(receive, file, 0, 10**9, [hashlib.sha256()])
    kept = path.read_bytes()
    assert 600 <= len(kept) <= sizes[1]
    assert kept == b"".join(b"%0100d" % number for number in range(len(kept) // 100))


async def test_a_request_that_is_given_up_leaves_no_thread_that_writes(tmp_path, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def write(file, lot):
        begun.set()
        go_on.wait()
        file.write(b"".join(lot))

    async def receive():
        return {"type": "http.request", "body": b"a" * 100, "more_body": True}

    monkeypatch.setattr(tus, "WRITE_BYTES", 100)
    monkeypatch.setattr(tus, "_write", write)
    path = tmp_path / "partial"
    with path.open("ab", buffering=0) as file:
        copying = asyncio.ensure_future(tus._copy_body(receive, file, 0, 10**9, []))
        await asyncio.to_thread(begun.wait)
        copying.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await copying
        size = path.stat().st_size
    assert size > 0
    assert path.stat().st_size == size


def test_a_call_gives_the_system_no_more_than_it_takes_well(tmp_path, monkeypatch):
    calls, given = [], os.writev

    def writev(descriptor, views):
        calls.append(sum(map(len, views)))
        return given(descriptor, views)

    monkeypatch.setattr(tus, "COPY_BYTES", 100)
    monkeypatch.setattr(tus.os, "writev", writev)
    lot = [os.urandom(size) for size in (40, 0, 40, 40, 250, 10)]
    path = tmp_path / "partial"
    with path.open("ab", buffering=0) as file:
        tus._write(file, lot)
    assert path.read_bytes() == b"".join(lot)
    assert calls == [100, 100, 100, 80]
