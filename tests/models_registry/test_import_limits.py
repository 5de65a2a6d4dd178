"""How slow an import may be, and how much may lie here of it."""

from collections import namedtuple

import httpcore
import pytest

from hub.storage.models import Upload
from hub.storage.uploads import DISK_RESERVE_BYTES
from models_registry.models.remote_import import RemoteImport, RemoteStatus
from models_registry.remote.address_guard import Pace, PacedStream
from models_registry.services import fetching
from tests.factories.remote_site import begun, fetched

pytestmark = pytest.mark.django_db


class Trickle(httpcore.NetworkStream):
    """A line on which a piece of so many bytes comes every second."""

    def __init__(self, pieces: list[int], clock: list[float]) -> None:
        self.pieces, self.clock = pieces, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.clock[0] += 1
        return bytes(self.pieces.pop(0))


@pytest.mark.parametrize(
    ("pieces", "is_left"),
    [
        ([1] * 31, True),  # headers byte by byte
        ([*[0] * 30, 30 * 1024], False),
        ([*[0] * 30, 30 * 1024 - 1], True),
        ([*[1024] * 31, *[0] * 31], True),  # a good beginning does not help later
        ([1024] * 100, False),
        ([1 << 20] * 30, False),
    ],
)
def test_who_sends_byte_by_byte_is_left(monkeypatch, pieces, is_left):
    clock = [0.0]
    monkeypatch.setattr("models_registry.remote.address_guard.monotonic", lambda: clock[0])
    line = PacedStream(Trickle(pieces, clock), Pace(1024))
    try:
        while pieces:
            line.read(1)
    except httpcore.ReadTimeout:
        assert is_left
    else:
        assert not is_left


@pytest.mark.parametrize(("least", "state"), [(0, RemoteStatus.SUCCEEDED), (1, "queued")])
def test_how_slow_a_fetch_may_be_is_a_setting(site, settings, monkeypatch, least, state):
    monkeypatch.setattr("models_registry.remote.address_guard.PACE_SECONDS", 1e-9)
    settings.IMPORT_MIN_BYTES_PER_SECOND = least and 10**18
    assert fetched(begun(site)).status == state


@pytest.mark.parametrize(("spare", "state"), [(0, "succeeded"), (-1, "failed")])
def test_what_lies_here_of_stopped_imports_counts_as_the_persons(site, settings, spare, state):
    row = begun(site)
    RemoteImport.objects.create(
        owner=row.owner, url="https://a.example", status=RemoteStatus.CANCELED, received_bytes=5000
    )
    settings.USER_QUOTA_BYTES = 5000 + len(site.data) + spare
    assert fetched(row).status == state


def test_a_file_of_unknown_length_is_stopped_when_the_space_is_used_up(site, settings, monkeypatch):
    monkeypatch.setattr(fetching, "REPORT_SECONDS", 0.0)
    site.says_length = False
    settings.USER_QUOTA_BYTES = 1000
    row = fetched(begun(site))
    assert row.status == RemoteStatus.FAILED
    assert "1,000 B is used up" in row.failure
    assert not Upload.objects.exists()


Disk = namedtuple("Disk", "total used free")


@pytest.mark.parametrize(("spare", "state"), [(0, "succeeded"), (-1, "failed")])
def test_a_file_that_does_not_fit_on_the_disk_is_not_begun(site, monkeypatch, spare, state):
    row = begun(site)

    def usage(_path):
        path = fetching.received_path(row.pk)
        written = path.stat().st_size if path.exists() else 0
        return Disk(0, 0, len(site.data) + DISK_RESERVE_BYTES + spare - written)

    monkeypatch.setattr("shutil.disk_usage", usage)
    row = fetched(row)
    assert row.status == state
    assert bool(row.failure) == (state == "failed")
    assert row.received_bytes == (len(site.data) if state == "succeeded" else 0)


def test_a_file_of_unknown_length_leaves_the_disk_its_reserve(site, monkeypatch):
    monkeypatch.setattr(fetching, "REPORT_SECONDS", 0.0)
    rooms = iter([DISK_RESERVE_BYTES, DISK_RESERVE_BYTES - 1])
    monkeypatch.setattr("shutil.disk_usage", lambda _path: Disk(0, 0, next(rooms)))
    site.says_length = False
    row = fetched(begun(site))
    assert (row.status, "disk of this hub is full" in row.failure) == (RemoteStatus.FAILED, True)


def test_what_the_disk_refuses_is_tried_again_but_not_for_ever(site, monkeypatch):
    row = begun(site)
    fetching.received_path(row.pk).mkdir()
    for _attempt in range(fetching.MAX_ATTEMPTS):
        assert row.status == RemoteStatus.QUEUED
        row = fetched(row)
    assert row.status == RemoteStatus.FAILED
    assert "The disk of this hub did not take the file" in row.failure


def test_what_nobody_foresaw_is_tried_again_but_not_for_ever(site, monkeypatch):
    monkeypatch.setattr("models_registry.remote.fetching.MAX_REDIRECTS", None)
    row = begun(site)
    for _attempt in range(fetching.MAX_ATTEMPTS):
        assert row.status == RemoteStatus.QUEUED
        row = fetched(row)
    assert row.status == RemoteStatus.FAILED
    assert "This hub could not fetch the file" in row.failure
