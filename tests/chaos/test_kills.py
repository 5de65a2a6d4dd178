"""Whatever is killed, and whenever: the job goes on from its last saved state and ends once."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Callable

import pytest
from django.db.models.functions import Now

from tests.chaos.conftest import Fate, is_alive, kill, trainer_pid, wait_for
from tests.factories.training import make_worker
from training.jobs.models.artifact import ArtifactKind
from training.jobs.models.event import EventKind
from training.jobs.models.job import Job, State
from training.jobs.services import lifecycle
from training.worker import runner
from training.worker.work_folder import WorkFolder

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    pytest.mark.django_db(transaction=True),
]

TOTAL_STEPS = 32


def reached(job: Job, step: int) -> Callable[[], bool]:
    return lambda: Job.objects.values_list("step", flat=True).get(pk=job.pk) >= step


def run_until_over() -> list[str]:
    """Work in this process as a worker does; returns the state after each attempt."""
    worker = make_worker()
    states = []
    while ended := runner.run_next(worker=worker, stopping=threading.Event()):
        states.append(ended.state)
    return states


def assert_ended_once(job: Job) -> None:
    job.refresh_from_db()
    told = job.events.filter(kind=EventKind.STATE).order_by("sequence")
    states = [data["state"] for data in told.values_list("data", flat=True)]
    assert job.state == State.SUCCEEDED, job.error_message
    assert (job.step == TOTAL_STEPS) == (job.finish_reason == "completed")
    assert states.count(State.SUCCEEDED) == 1
    numbers = list(job.events.order_by("sequence").values_list("sequence", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    curve = job.events.filter(kind=EventKind.STEPPED).order_by("sequence")
    steps = [data["step"] for data in curve.values_list("data", flat=True)]
    assert steps == sorted(set(steps))
    assert steps[-1] == job.step
    checkpoints = job.artifacts.filter(kind=ArtifactKind.CHECKPOINT)
    samples = job.artifacts.filter(kind=ArtifactKind.SAMPLE)
    assert checkpoints.filter(is_final=True).count() == 1
    assert sorted(set(samples.values_list("prompt_index", flat=True))) == [0, 1]
    told_files = job.events.filter(kind=EventKind.ARTIFACT).values_list("data__name", flat=True)
    assert len(told_files) == len(set(told_files)) == checkpoints.count() + samples.count()


def test_a_killed_trainer_is_followed_by_another_from_its_last_state(
    job: Job, chance: random.Random
) -> None:
    step = chance.randint(2, TOTAL_STEPS // 2)  # told twice a second, some steps behind
    with Fate(when=reached(job, step), strike=lambda: kill(trainer_pid(job))) as fate:
        runner.run_next(worker=make_worker(), stopping=threading.Event())
    assert fate.struck
    job.refresh_from_db()
    assert job.state == State.QUEUED
    assert job.step >= step
    assert run_until_over() == [State.SUCCEEDED]
    assert_ended_once(job)
    assert job.attempt == 2
    assert not WorkFolder.of(job.pk).events.exists()


def test_workers_that_leave_or_are_killed_are_followed_by_the_next(
    job: Job, start_worker: Callable[[], subprocess.Popen[bytes]], chance: random.Random
) -> None:
    """The run is too long to be over before the third, however fast the machine trains."""
    config = {**job.config, "epochs": 5000, "max_steps": 10_000}
    config |= {"save_every_epochs": 5000, "sample_every_epochs": 5000}
    Job.objects.filter(pk=job.pk).update(config=config)
    leaving = start_worker()
    wait_for(reached(job, chance.randint(2, 4)), what="the first worker trains")
    leaving.terminate()
    assert leaving.wait(60) == 0
    job.refresh_from_db()
    assert (job.state, job.attempt) == (State.QUEUED, 1)

    killed = start_worker()
    wait_for(reached(job, job.step + chance.randint(2, 4)), what="the second worker trains")
    orphan = trainer_pid(job)
    killed.kill()
    killed.wait()
    job.refresh_from_db()
    assert (job.state, job.attempt) == (State.RUNNING, 2)

    start_worker()
    wait_for(lambda: Job.objects.get(pk=job.pk).attempt >= 3, what="the third takes over")
    wait_for(reached(job, job.step + 2), what="the third trains")
    lifecycle.request_stop(actor=job.owner, job=job)
    wait_for(lambda: Job.objects.get(pk=job.pk).is_final, what="the third ends the job")
    assert_ended_once(job)
    assert orphan is not None
    assert not is_alive(orphan)


def test_a_worker_that_loses_its_lease_stops_its_trainer_and_writes_nothing(job: Job) -> None:
    def rob() -> None:
        Job.objects.filter(pk=job.pk).update(lease_until=Now())
        Job.objects.filter(pk=job.pk).update(attempt=99)

    with Fate(when=reached(job, 3), strike=rob):
        runner.run_next(worker=make_worker(), stopping=threading.Event())
    pid = trainer_pid(job)
    assert pid is not None
    assert not is_alive(pid)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (State.RUNNING, 99)


def test_stop_and_keep_gives_a_result_of_the_steps_so_far(job: Job) -> None:
    with Fate(
        when=reached(job, 3),
        strike=lambda: lifecycle.request_stop(actor=job.owner, job=job),
    ):
        assert run_until_over() == [State.SUCCEEDED]
    job.refresh_from_db()
    assert job.finish_reason == "stopped"
    assert 3 <= job.step < TOTAL_STEPS
    assert job.artifacts.filter(kind=ArtifactKind.CHECKPOINT, is_final=True).count() == 1


def test_a_paused_job_goes_on_when_resumed(job: Job) -> None:
    with Fate(
        when=reached(job, 3),
        strike=lambda: lifecycle.request_pause(actor=job.owner, job=job),
    ):
        assert run_until_over() == [State.PAUSED]
    lifecycle.resume_job(actor=job.owner, job=job)
    assert run_until_over() == [State.SUCCEEDED]
    assert_ended_once(job)
    assert job.finish_reason == "completed"


def test_a_canceled_job_ends_its_trainer_and_can_be_tried_again_from_where_it_was(
    job: Job,
) -> None:
    with Fate(
        when=reached(job, 6),
        strike=lambda: lifecycle.request_cancel(actor=job.owner, job=job),
    ):
        assert run_until_over() == [State.CANCELED]
    job.refresh_from_db()
    again = lifecycle.retry_job(actor=job.owner, job=job)
    assert run_until_over() == [State.SUCCEEDED]
    begun = again.events.filter(kind=EventKind.STARTED).order_by("sequence").first()
    assert begun is not None
    assert begun.data["step"] >= 6


def test_settings_that_cannot_work_fail_at_once_with_a_reason(job: Job) -> None:
    config = {**job.config, "buckets": {**job.config["buckets"], "min_side": 2048}}
    config["resolution"] = 64
    config["buckets"]["max_side"] = 64
    Job.objects.filter(pk=job.pk).update(config=config)
    assert run_until_over() == [State.FAILED]
    job.refresh_from_db()
    assert job.error_code == "invalid_config"
    assert "min_side" in job.error_message
    assert job.attempt == 1
