"""Trouble around a run: a database that is away, a full disk, files that are lost or spoilt."""

from __future__ import annotations

import json
import resource
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection

from hub.storage.backends.base import key_for
from hub.storage.backends.chosen import blob_store
from tests.chaos.conftest import Fate, trainer_pid, wait_for
from tests.chaos.test_kills import assert_ended_once, reached, run_until_over
from training.engine.events import Stepped, event_from_dict
from training.jobs.models.event import EventKind
from training.jobs.models.job import Job, State
from training.jobs.models.worker_node import WorkerNode
from training.jobs.services import lifecycle
from training.worker import tasks
from training.worker.work_folder import WorkFolder

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    pytest.mark.django_db(transaction=True),
]

SMALL_BYTES = 512  # less than any file that a trainer writes has already


DROP_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@contextmanager
def database_away() -> Iterator[psycopg.Connection[Any]]:
    """The test's database takes nobody in; gives a connection to its neighbour."""
    name = connection.settings_dict["NAME"]
    url = {"dbname": "postgres", "user": connection.settings_dict["USER"]}
    with psycopg.connect(host=connection.settings_dict["HOST"], autocommit=True, **url) as other:
        other.execute(f'alter database "{name}" with allow_connections false')
        try:
            connection.close()
            other.execute(DROP_ALL, [name])
            yield other
        finally:
            other.execute(f'alter database "{name}" with allow_connections true')


def last_step_on_disk(folder: WorkFolder) -> int:
    """How far the trainer is by its own record."""
    lines = folder.events.read_bytes().split(b"\n")[:-1]
    events = [event_from_dict(json.loads(line)) for line in lines]
    return max((event.step for event in events if isinstance(event, Stepped)), default=0)


def test_a_database_that_is_away_for_longer_than_the_lease_stops_no_training(
    job: Job, settings: Any
) -> None:
    settings.JOB_LEASE_SECONDS = 2
    folder = WorkFolder.of(job.pk)

    def outage() -> None:
        lease_until = Job.objects.values_list("lease_until", flat=True).get(pk=job.pk)
        with database_away() as other:
            before = last_step_on_disk(folder)
            wait_for(lambda: last_step_on_disk(folder) >= before + 2, what="the trainer goes on")

            def is_over() -> bool:
                row = other.execute("select now()").fetchone()
                return row is not None and row[0] > lease_until

            wait_for(is_over, what="the lease runs out")

    with Fate(when=reached(job, 3), strike=outage) as fate:
        states = run_until_over()
    assert fate.struck
    assert states == [State.SUCCEEDED]
    assert_ended_once(job)
    assert job.attempt == 1


@pytest.fixture
def slot() -> Iterator[tasks.Slot]:
    """This process as a worker, until the end of the test."""
    yield tasks.SLOT
    tasks.SLOT.close()


def test_a_worker_that_comes_up_before_its_database_registers_and_wakes_itself(
    slot: tasks.Slot, caplog: pytest.LogCaptureFixture
) -> None:
    queue = redis.from_url(settings.VALKEY_URL)
    queue.delete(tasks.GPU_QUEUE)
    coming = threading.Thread(target=tasks.come_up, args=("gpu@late",))
    with database_away():
        coming.start()
        wait_for(lambda: "does not answer yet" in caplog.text, what="the worker asks in vain")
        assert slot.node is None
    wait_for(lambda: slot.node is not None, what="the worker registers")
    coming.join()
    assert WorkerNode.objects.filter(name="gpu@late").exists()
    assert queue.llen(tasks.GPU_QUEUE) == 1
    queue.close()


def test_a_full_disk_pauses_the_run_and_says_so_until_there_is_room(job: Job) -> None:
    def fill_up() -> None:
        pid = trainer_pid(job)
        assert pid is not None
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (SMALL_BYTES, hard))

    with Fate(when=reached(job, 5), strike=fill_up) as fate:
        assert run_until_over() == [State.PAUSED]
    assert fate.struck
    job.refresh_from_db()
    assert job.error_code == "disk_full"
    assert "Make room" in job.error_message
    lifecycle.resume_job(actor=job.owner, job=job)
    assert run_until_over() == [State.SUCCEEDED]
    assert_ended_once(job)
    assert job.error_code == ""


@contextmanager
def spoilt(sha256: str, spoil: Callable[[Path], None]) -> Iterator[None]:
    """A file of the store in another condition, and as it was again afterwards."""
    path = blob_store().local_path(key_for(sha256))
    assert path is not None
    whole = path.read_bytes()
    spoil(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        path.write_bytes(whole)


def lose(path: Path) -> None:
    path.unlink()


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def overwrite(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def pictures_of(job: Job) -> list[str]:
    """Hashes of the pictures of the run, of which no trainer has kept anything."""
    shutil.rmtree(Path(settings.ATELIER_HOME) / "cache", ignore_errors=True)
    return [str(picture.blob.sha256) for picture in job.snapshot.pictures.order_by("id")]


def test_a_lost_picture_is_named_and_the_run_is_tried_again_when_it_is_back(job: Job) -> None:
    sha256 = pictures_of(job)[0]
    with spoilt(sha256, lose):
        assert run_until_over() == [State.FAILED]
    job.refresh_from_db()
    assert (job.error_code, job.attempt) == ("file_missing", 1)
    assert sha256 in job.error_message
    assert "backup" in job.error_message
    again = lifecycle.retry_job(actor=job.owner, job=job)
    assert run_until_over() == [State.SUCCEEDED]
    assert_ended_once(again)


def test_a_spoilt_picture_is_named_and_left_out(job: Job) -> None:
    with spoilt(pictures_of(job)[0], cut_short):
        assert run_until_over() == [State.SUCCEEDED]
    assert_ended_once(job)
    warned = job.events.filter(kind=EventKind.WARNED).values_list("data__message", flat=True)
    assert any("cannot be read as a picture" in message for message in warned)


def test_when_every_picture_is_spoilt_the_store_is_named_as_the_reason(job: Job) -> None:
    with ExitStack() as stack:
        for sha256 in pictures_of(job):
            stack.enter_context(spoilt(sha256, cut_short))
        assert run_until_over() == [State.FAILED]
    job.refresh_from_db()
    assert (job.error_code, job.attempt) == ("file_spoilt", 1)
    assert "backup" in job.error_message


def test_a_spoilt_base_is_named(job: Job) -> None:
    with spoilt(job.base_sha256, overwrite):
        assert run_until_over() == [State.FAILED]
    job.refresh_from_db()
    assert (job.error_code, job.attempt) == ("file_spoilt", 1)
    assert job.base_sha256 in job.error_message
