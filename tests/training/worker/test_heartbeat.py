"""Holding a lease from a thread of its own, on a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.factories.training import claimed_job
from training.jobs.models.job import Job
from training.jobs.services import lifecycle
from training.worker.heartbeat import Heartbeat

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20.0


def lease_of(job: Job) -> datetime | None:
    return Job.objects.values_list("lease_until", flat=True).get(pk=job.pk)


def until(holds: Callable[[], bool]) -> None:
    """Poll for something that a thread is about to do."""
    late, end = threading.Event(), time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        late.wait(0.02)


def test_a_lease_is_renewed_and_commands_arrive(settings: Any) -> None:
    settings.JOB_LEASE_SECONDS = 2
    job, worker = claimed_job()
    before = lease_of(job)
    assert before is not None
    with Heartbeat(job_id=job.pk, attempt=1, worker=worker) as heartbeat:
        until(lambda: lease_of(job) > before)
        lifecycle.request_pause(actor=job.owner, job=job)
        until(lambda: heartbeat.command == "pause")
        assert not heartbeat.lost.is_set()


def test_a_job_that_another_attempt_holds_is_noticed(settings: Any) -> None:
    settings.JOB_LEASE_SECONDS = 2
    job, worker = claimed_job()
    Job.objects.filter(pk=job.pk).update(attempt=2)
    before = lease_of(job)
    with Heartbeat(job_id=job.pk, attempt=1, worker=worker) as heartbeat:
        assert heartbeat.lost.wait(SECONDS)
    assert lease_of(job) == before
