"""The state machine, as the database keeps it: any walk of people, workers and crashes is legal."""

from datetime import timedelta
from itertools import pairwise, product
from uuid import uuid4

import pytest
from django.conf import settings as limits
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hub.core.errors import Conflict
from models_registry.models.version import ModelVersion
from tests.factories.training import (
    SERIES,
    fill,
    make_base,
    make_dataset,
    make_job,
    make_worker,
    stepped,
)
from training.datasets.models.dataset import Dataset
from training.jobs.failure_words import TOO_MANY_ATTEMPTS
from training.jobs.models.event import EventKind, JobEvent
from training.jobs.models.job import FINAL, LEASED, TRANSITIONS, Job, State
from training.jobs.services import lifecycle, schedule
from training.jobs.services.events import record_events
from training.jobs.services.lifecycle import Failure
from training.jobs.services.transitions import LeaseLost, move

pytestmark = pytest.mark.django_db

FAILURE = Failure("test", "It broke.")


@pytest.mark.parametrize(
    ("source", "target"), [pair for pair in product(State, State) if pair not in TRANSITIONS]
)
def test_what_is_not_in_the_table_cannot_be_asked_for(source: State, target: State) -> None:
    with pytest.raises(ValueError, match="never goes"):
        move(uuid4(), source, target)


def test_a_move_from_another_state_changes_nothing() -> None:
    job = make_job()
    assert not move(job.pk, State.PAUSED, State.QUEUED)
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_the_database_refuses_a_running_job_without_a_lease() -> None:
    job = make_job()
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(state=State.RUNNING)


class JobWalk(RuleBasedStateMachine):
    """People, a worker and the reaper act in any order on one job."""

    dataset: Dataset
    base: ModelVersion

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.job = make_job(dataset=self.dataset, base=self.base)
        self.actor = self.job.owner
        self.worker = make_worker()
        self.attempt = 0
        self.sequence = 0
        self.seen = [State.QUEUED]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @property
    def state(self) -> str:
        return Job.objects.values_list("state", flat=True).get(pk=self.job.pk)

    @rule()
    def claim(self) -> None:
        waiting = self.state == State.QUEUED
        claimed = schedule.claim_next(worker=self.worker)
        assert (claimed is not None) == waiting
        if claimed is not None:
            self.attempt += 1
            assert claimed.attempt == self.attempt

    @rule()
    def stop(self) -> None:
        self._ask(lifecycle.request_stop, when=(State.RUNNING,))

    @rule()
    def pause(self) -> None:
        self._ask(lifecycle.request_pause, when=(State.RUNNING,))

    @rule()
    def resume(self) -> None:
        self._ask(lifecycle.resume_job, when=(State.PAUSED,))

    @rule()
    def cancel(self) -> None:
        open_states = (State.QUEUED, State.PAUSED, State.RUNNING, State.CANCELING, State.CANCELED)
        self._ask(lifecycle.request_cancel, when=open_states)

    @precondition(lambda self: self.attempt > 0)
    @rule(outcome=st.sampled_from(["finish", "fail", "suspend", "give_back"]), is_old=st.booleans())
    def worker_ends(self, outcome: str, is_old: bool) -> None:
        attempt = self.attempt - 1 if is_old else self.attempt
        held = self.state in LEASED and not is_old
        extra = {
            "finish": {"reason": "completed"},
            "suspend": {},
        }.get(outcome, {"failure": FAILURE})
        try:
            getattr(lifecycle, outcome)(job_id=self.job.pk, attempt=attempt, **extra)
            assert held
        except LeaseLost:
            assert not held

    @precondition(lambda self: self.attempt > 0)
    @rule()
    def progress(self) -> None:
        self.sequence += 1
        event = stepped(self.sequence, self.sequence)
        try:
            record_events(self.job.pk, self.attempt, [event], run_folder=SERIES)
        except LeaseLost:
            assert self.state not in LEASED

    @rule()
    def worker_dies(self) -> None:
        Job.objects.leased().update(lease_until=Now() - timedelta(seconds=1))
        lifecycle.requeue_lost_jobs()
        assert self.state not in LEASED

    @invariant()
    def every_step_was_in_the_table(self) -> None:
        told = JobEvent.objects.filter(job=self.job, kind=EventKind.STATE).order_by("sequence")
        states = [State(data["state"]) for data in told.values_list("data", flat=True)]
        walked = [state for at, state in enumerate(states) if at == 0 or state != states[at - 1]]
        for step in pairwise(walked):
            # A paused job is canceled through the line; both moves are in one transaction.
            assert step in TRANSITIONS or step == (State.PAUSED, State.CANCELED)
        assert walked[-1] == self.state

    @invariant()
    def numbers_have_no_gap(self) -> None:
        numbers = list(
            JobEvent.objects.filter(job=self.job)
            .order_by("sequence")
            .values_list("sequence", flat=True)
        )
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def what_ended_stays_ended(self) -> None:
        if self.seen[-1] in FINAL:
            assert self.state == self.seen[-1]
        self.seen.append(State(self.state))

    def _ask(self, service: object, *, when: tuple[State, ...]) -> None:
        allowed = self.state in when
        try:
            service(actor=self.actor, job=Job.objects.get(pk=self.job.pk))  # type: ignore[operator]
            assert allowed
        except Conflict:
            assert not allowed


def test_any_walk_stays_in_the_table() -> None:
    JobWalk.dataset = make_dataset()
    fill(JobWalk.dataset, 1)
    JobWalk.base = make_base()
    run_state_machine_as_test(
        JobWalk,
        settings=settings(
            max_examples=25,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_attempts_without_progress_end_in_failure_and_progress_starts_the_count_again() -> None:
    job = make_job()
    worker = make_worker()
    for number in range(1, limits.JOB_MAX_ATTEMPTS * 2 + 1):
        claimed = schedule.claim_next(worker=worker)
        assert claimed is not None, f"gave up at attempt {number}"
        if number == limits.JOB_MAX_ATTEMPTS:
            record_events(job.pk, number, [stepped(number, number)], run_folder=SERIES)
        lifecycle.give_back(job_id=job.pk, attempt=number, failure=FAILURE)
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert job.error_code == TOO_MANY_ATTEMPTS


def test_a_retry_is_a_new_job_that_goes_on_from_the_old_one() -> None:
    job = make_job()
    schedule.claim_next(worker=make_worker())
    lifecycle.fail(job_id=job.pk, attempt=1, failure=FAILURE)
    job.refresh_from_db()
    again = lifecycle.retry_job(actor=job.owner, job=job)
    assert again.continues_id == job.pk
    assert again.state == State.QUEUED
    assert again.number > job.number
    assert again.config == job.config
