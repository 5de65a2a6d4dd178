"""Import by address: a real server on this machine, and names that lead where they must not."""

import hashlib
import ipaddress
import socket
from datetime import timedelta

import httpcore
import pytest
from django.utils import timezone, translation

from hub.core.errors import Conflict, Invalid, NotFound
from hub.storage.models import Upload, UploadStatus
from models_registry.models.remote_import import RemoteImport, RemoteStatus
from models_registry.remote.address_guard import AddressRefused, checked_address, is_public
from models_registry.remote.fetching import check_url
from models_registry.services import fetching, importing
from models_registry.services.files import add_file
from tests.factories.accounts import UserFactory
from tests.factories.registry import lora_bytes, make_model, make_version
from tests.factories.remote_site import begun, fetched

pytestmark = pytest.mark.django_db


def test_a_fetched_file_is_an_upload_that_becomes_a_model_file(site):
    row = fetched(begun(site))
    assert (row.status, row.filename) == (RemoteStatus.SUCCEEDED, "ink_wash.safetensors")
    assert row.received_bytes == row.size_bytes == len(site.data)
    upload = Upload.objects.get(pk=row.upload_uuid)
    assert upload.status == UploadStatus.COMPLETE
    version = make_version(make_model(owner=row.owner))
    file = add_file(actor=row.owner, version=version, upload_id=upload.pk)

    assert file.name == "ink_wash.safetensors"
    assert file.size_bytes == len(site.data)
    assert not fetching.received_path(row.pk).exists()


def test_a_broken_line_is_gone_on_with_behind_the_bytes_that_came(site):
    site.break_after = 1000
    row = fetched(begun(site))
    assert (row.status, row.received_bytes) == (RemoteStatus.QUEUED, 1000)
    row = fetched(row)

    assert row.status == RemoteStatus.SUCCEEDED
    assert site.ranges == ["", "bytes=1000-"]
    blob = Upload.objects.get(pk=row.upload_uuid).blob
    assert blob.size_bytes == len(site.data)


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(site):
    site.break_after = 1000
    row = fetched(begun(site))
    site.data, site.etag = lora_bytes(seed=9), '"two"'
    row = fetched(row)
    assert row.status == RemoteStatus.SUCCEEDED
    blob = Upload.objects.get(pk=row.upload_uuid).blob
    assert blob.sha256 == hashlib.sha256(site.data).hexdigest()


def test_bytes_of_a_file_that_changed_are_not_gone_on_with_later(site, settings):
    site.break_after = 1000
    row = fetched(begun(site))
    site.data, site.etag = lora_bytes(seed=9), '"two"'
    room, settings.USER_QUOTA_BYTES = settings.USER_QUOTA_BYTES, 10
    assert fetched(row).status == RemoteStatus.FAILED
    settings.USER_QUOTA_BYTES = room
    importing.retry_import(actor=row.owner, import_id=row.pk)
    blob = Upload.objects.get(pk=fetched(row).upload_uuid).blob
    assert blob.sha256 == hashlib.sha256(site.data).hexdigest()


def test_who_sends_more_than_was_told_is_left_after_five_times(site):
    site.break_after = 1000
    row = fetched(begun(site))
    site.headers["Content-Range"] = "bytes 1000-1099/1100"
    for _attempt in range(fetching.MAX_ATTEMPTS - 2):
        assert fetched(row).status == RemoteStatus.QUEUED
    assert fetched(row).status == RemoteStatus.FAILED


def test_without_a_strong_etag_the_file_is_fetched_from_its_beginning(site):
    site.etag, site.break_after = 'W/"weak"', 1000
    row = fetched(fetched(begun(site)))

    assert row.status == RemoteStatus.SUCCEEDED
    assert site.ranges == ["", ""]


def test_a_file_of_unknown_length_is_fetched_to_its_end(site):
    site.says_length = False
    row = fetched(begun(site))

    assert row.status == RemoteStatus.SUCCEEDED
    assert row.size_bytes == len(site.data)


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize(("spare", "status"), [(0, "succeeded"), (-1, "failed")])
def test_the_limit_is_a_setting(site, settings, says_length, spare, status):
    settings.IMPORT_MAX_BYTES = len(site.data) + spare
    site.says_length = says_length
    row = fetched(begun(site))

    assert row.status == status
    assert ("the limit is" in row.failure) == (status == "failed")


def test_a_person_without_room_is_told_so(site, settings):
    settings.USER_QUOTA_BYTES = 10
    row = fetched(begun(site))

    assert row.status == RemoteStatus.FAILED
    assert "is used up" in row.failure


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "There is no file"), (403, "does not hand"), (418, "status 418")],
)
def test_what_will_not_get_better_fails_at_once_with_its_reason(site, status, words):
    site.status = status
    row = fetched(begun(site))

    assert row.status == RemoteStatus.FAILED
    assert words in row.failure


def test_a_failure_is_told_in_the_language_of_the_page_that_asked(site):
    site.status = 404
    with translation.override("zh-hans"):
        row = begun(site)
    assert "There is no file" not in fetched(row).failure
    importing.retry_import(actor=row.owner, import_id=row.pk)
    assert "There is no file" in fetched(row).failure


def test_what_may_get_better_is_tried_five_times(site):
    site.status = 503
    row = begun(site)
    for _attempt in range(fetching.MAX_ATTEMPTS - 1):
        assert fetched(row).status == RemoteStatus.QUEUED
    assert fetched(row).status == RemoteStatus.FAILED
    importing.retry_import(actor=row.owner, import_id=row.pk)
    site.status = 200

    assert fetched(row).status == RemoteStatus.SUCCEEDED


def test_a_redirect_is_followed_and_one_into_a_private_network_is_not(site, settings):
    site.redirect = "/elsewhere.safetensors"
    assert fetched(begun(site, "/moved")).status == RemoteStatus.SUCCEEDED
    for target in ("http://10.0.0.7/x", "http://[::1]/x", "http://169.254.169.254/latest"):
        site.redirect = target
        row = fetched(begun(site, "/moved"))
        assert row.status == RemoteStatus.FAILED
        assert "private network" in row.failure
    site.redirect = "file:///etc/passwd"
    assert fetched(begun(site, "/moved")).status == RemoteStatus.FAILED
    site.redirect = "/moved"
    assert "leads on and on" in fetched(begun(site, "/moved")).failure


def test_this_machine_is_not_asked_unless_the_settings_say_so(site, settings):
    settings.IMPORT_PRIVATE_NETWORKS = []
    row = fetched(begun(site))

    assert row.status == RemoteStatus.FAILED
    assert "private network" in row.failure
    assert site.ranges == []


def test_a_name_that_answers_differently_the_second_time_is_not_asked_twice(site, monkeypatch):
    """DNS rebinding: the first answer is judged and used, there is no second look-up."""
    answers = [["127.0.0.1"], ["10.0.0.7"]]
    real = socket.getaddrinfo
    asked = []

    def answer(host, port, *args, **kwargs):
        if host != "model.example":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    port = site.address.rpartition(":")[2]
    row = importing.begin_import(actor=UserFactory(), url=f"http://model.example:{port}/a.bin")

    assert fetched(row).status == RemoteStatus.SUCCEEDED
    assert asked == ["model.example"]


def test_one_private_address_among_public_ones_is_refused(monkeypatch):
    rows = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80))
        for ip in ("93.184.216.34", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: rows)
    with pytest.raises(AddressRefused):
        checked_address("model.example", 80)


def test_a_name_that_is_not_known_may_be_known_later(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(httpcore.ConnectError):
        checked_address("nowhere.example", 80)


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::5db8:d822", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("224.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("ff02::1", False),
        ("192.0.0.192", False),
        ("168.63.129.16", False),
        ("::ffff:168.63.129.16", False),
    ],
)
def test_which_addresses_are_public(text, public):
    assert is_public(ipaddress.ip_address(text)) is public


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "ftp://a/b", "file:///etc/passwd", "http://", "http://u:p@a/b"),
        *("http://a:99999/", "http://[::1", "http://a\\@b/", f"http://{'墨' * 80}/"),
    ],
)
def test_only_plain_http_addresses_are_taken(url):
    with pytest.raises(Invalid):
        check_url(url)


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        ("https://例子.测试/模型 1.pt?q=墨&t=a%20b", "https://xn--fsqu00a.xn--0zwm56d/"
         "%E6%A8%A1%E5%9E%8B%201.pt?q=%E5%A2%A8&t=a%20b"),
        ("HTTP://A:8080/x#part", "http://a:8080/x"),
        ("http://[2606::1]:80/x", "http://[2606::1]:80/x"),
    ],
)  # fmt: skip
def test_an_address_goes_over_the_line_in_ascii(named, asked):
    assert check_url(named) == asked


@pytest.mark.parametrize("spare", [0, 1])
def test_an_address_is_kept_whole_or_not_at_all(spare):
    url = "https://a.example/" + "x" * (importing.MAX_URL - 18 + spare)
    if spare:
        with pytest.raises(Invalid):
            importing.begin_import(actor=UserFactory(), url=url)
    else:
        assert importing.begin_import(actor=UserFactory(), url=url).url == url


@pytest.mark.parametrize("target", ["http://[::1", "//", "http://u:p@a/"])
def test_a_redirect_to_nowhere_fails_with_a_reason(site, target):
    site.redirect = target
    row = fetched(begun(site, "/moved"))
    assert (row.status, bool(row.failure)) == (RemoteStatus.FAILED, True)


def test_a_person_has_a_limited_number_of_open_imports():
    person = UserFactory()
    for number in range(importing.MAX_OPEN):
        importing.begin_import(actor=person, url=f"https://model.example/{number}")
    with pytest.raises(Conflict):
        importing.begin_import(actor=person, url="https://model.example/more")
    importing.cancel_import(actor=person, import_id=RemoteImport.objects.first().pk)
    importing.begin_import(actor=person, url="https://model.example/more")


def test_a_cancelled_import_is_not_fetched_and_can_be_taken_up_again(site):
    row = begun(site)
    importing.cancel_import(actor=row.owner, import_id=row.pk)
    assert fetched(row).status == RemoteStatus.CANCELED
    with pytest.raises(Conflict):
        importing.cancel_import(actor=row.owner, import_id=row.pk)
    importing.retry_import(actor=row.owner, import_id=row.pk)

    assert fetched(row).status == RemoteStatus.SUCCEEDED


def test_nobody_touches_the_import_of_another_person(site):
    row = begun(site)
    for change in (importing.cancel_import, importing.retry_import):
        with pytest.raises(NotFound):
            change(actor=UserFactory(), import_id=row.pk)


def test_the_sweep_takes_back_what_a_lost_worker_had_and_asks_again(site):
    row = begun(site)
    RemoteImport.objects.update(status=RemoteStatus.RUNNING)
    now = timezone.now()
    assert importing.resume_imports(now=now) == 0
    assert importing.resume_imports(now=now + importing.LOST_AFTER + timedelta(seconds=1)) == 1

    assert fetched(row).status == RemoteStatus.SUCCEEDED


def test_bytes_that_nobody_goes_on_with_are_dropped_in_the_end(site, settings):
    site.break_after = 1000
    row = fetched(begun(site))
    importing.cancel_import(actor=row.owner, import_id=row.pk)
    late = timezone.now() + timedelta(hours=settings.UPLOAD_EXPIRES_HOURS + 1)
    importing.resume_imports(now=timezone.now())
    assert fetching.received_path(row.pk).exists()
    importing.resume_imports(now=late)

    assert not fetching.received_path(row.pk).exists()
    importing.retry_import(actor=row.owner, import_id=row.pk)
    assert fetched(row).status == RemoteStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a; b.safetensors"', "a; b.safetensors"),
        ("attachment; filename=ink.safetensors; size=3", "ink.safetensors"),
        ("attachment; filename=\"x.st\"; filename*=UTF-8''%E6%98%9F.safetensors", "星.safetensors"),
        ("attachment; FileName*=UTF-8''%E6%98%9F.st; filename=\"x.st\"", "星.st"),
        ("inline; filename*=iso-8859-1'en'%A3.safetensors", "£.safetensors"),
        ('attachment; filename="%E6%98%9F.safetensors"', "星.safetensors"),
        ('attachment; filename="星.safetensors"'.encode().decode("latin-1"), "星.safetensors"),
        ('attachment; filename="../../etc/ink.safetensors"', "ink.safetensors"),
        ("attachment; filename*=nonsense''ink.safetensors", "ink.safetensors"),
        ("attachment; filename*=undefined''ink.st", "ink.st"),
        ("attachment; filename*=idna''%FF.st", "\ufffd.st"),
        ("attachment; filename*=punycode''%FF.st", "\ufffd.st"),
        ("attachment; filename*=unicode_escape''%5Cud800.st", "ud800.st"),
        ("attachment; filename*=utf-7''%2B2AA-.st", "+2AA-.st"),
        ("attachment; filename*=UTF-8''%ED%A0%80.st", "\ufffd\ufffd\ufffd.st"),
        ("attachment; filename*=UTF-8''", "wash.st"),
        ("attachment; filename*=UTF-8''a.st; filename*0=b.st", "wash.st"),
        (f"attachment; filename*{'5' * 5000}=a.st", "wash.st"),
        ("attachment; filename=", "wash.st"),
        ("attachment", "wash.st"),
        ("", "wash.st"),
    ],
)
def test_a_file_is_called_as_the_other_side_says(site, disposition, name):
    site.headers["Content-Disposition"] = disposition
    assert fetched(begun(site, "/a/wash.st?x=1")).filename == name


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Content-Type", "text/HTML; charset=utf-8", "have to sign in"),
        ("Content-Encoding", "gzip", "only compressed"),
    ],
)
def test_what_is_not_the_file_itself_is_refused_in_words(site, name, value, words):
    site.headers[name] = value
    row = fetched(begun(site))
    assert (row.status, words in row.failure) == (RemoteStatus.FAILED, True)
    assert not Upload.objects.exists()
