"""Who comes next: one rule, in SQL for the worker and in Python for the forecast."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from hub.accounts.services import add_member
from hub.core.errors import Conflict, Invalid, NotAllowed
from tests.factories.accounts import UserFactory, make_team
from tests.factories.training import (
    GIB,
    fill,
    make_base,
    make_dataset,
    make_job,
    make_worker,
)
from training.datasets.models.dataset import Dataset
from training.jobs.fair_order import Slot, Usage, Waiting, forecast, next_for
from training.jobs.models.job import Job, State
from training.jobs.models.worker_node import WorkerNode
from training.jobs.queries import place_in_line, places_in_line, queue_board
from training.jobs.services import lifecycle, schedule, submit

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def waiting(number: int, *, team: int = 1, owner: int = 1, **fields: object) -> Waiting:
    at = MOMENT + timedelta(seconds=number)
    return Waiting(
        id=UUID(int=number), team_id=team, owner_id=owner, queued_at=at, **{"priority": 0, **fields}
    )


def order(line: list[Waiting], slots: int = 1) -> list[int]:
    found = forecast(line, [Slot("cpu", GIB)] * slots, Usage(), now=1000.0, default_seconds=60.0)
    return [key.int for key in sorted(found, key=lambda key: found[key].place)]


def test_teams_take_turns_however_many_jobs_one_of_them_has() -> None:
    line = [waiting(n, team=1) for n in (1, 2, 3, 4)] + [waiting(9, team=2, owner=2)]
    assert order(line) == [1, 9, 2, 3, 4]


def test_people_of_a_team_take_turns() -> None:
    line = [waiting(n, owner=1) for n in (1, 2, 3)] + [waiting(9, owner=2)]
    assert order(line) == [1, 9, 2, 3]


def test_priority_counts_among_the_jobs_of_one_person_and_then_age() -> None:
    line = [waiting(1), waiting(2, priority=5), waiting(3)]
    assert order(line) == [2, 1, 3]


def test_the_forecast_tells_when_a_worker_is_free() -> None:
    line = [waiting(1, seconds=100.0), waiting(2, seconds=50.0), waiting(3)]
    slots = [Slot("cpu", GIB, free_in=30.0)]
    found = forecast(line, slots, Usage(), now=0.0)
    starts = [found[job.id].starts_in for job in line]
    assert starts == [30.0, 130.0, 180.0]


def test_what_fits_no_worker_comes_last_and_has_no_start() -> None:
    line = [waiting(1, min_memory_bytes=2 * GIB), waiting(2)]
    found = forecast(line, [Slot("cpu", GIB)], Usage(), now=0.0, default_seconds=1.0)
    assert (found[line[1].id].place, found[line[0].id].place) == (1, 2)
    assert found[line[0].id].starts_in is None


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(-1, 1)), min_size=1, max_size=12
    ),
    st.integers(1, 3),
)
def test_the_forecast_is_what_taking_one_job_after_another_gives(
    rows: list[tuple[int, int, int]], slots: int
) -> None:
    line = [
        waiting(n, team=team, owner=owner, priority=priority)
        for n, (team, owner, priority) in enumerate(rows, start=1)
    ]
    usage, left, taken = Usage(), list(line), []
    running: list[Waiting] = []
    slot = Slot("cpu", GIB)
    while left:
        if len(running) == slots:
            usage.note_end(running.pop(0))
        job = next_for(slot, left, usage)
        assert job is not None
        left.remove(job)
        running.append(job)
        usage.note_start(job, float(1000 + 60 * (len(taken) // slots)))
        taken.append(job.id.int)
    assert order(line, slots) == taken


def test_a_long_line_is_forecast_in_a_moment() -> None:
    line = [waiting(n, team=n % 40, owner=n % 80) for n in range(1, 2001)]
    began = time.process_time()
    assert len(set(order(line, 4))) == 2000
    assert time.process_time() - began < 5


@pytest.fixture
def dataset() -> Dataset:
    found = make_dataset()
    fill(found, 2)
    return found


@pytest.mark.django_db
class TestClaiming:
    """What a worker gets."""

    def test_the_claims_follow_the_forecast(self, dataset: Dataset) -> None:
        base = make_base()
        other_owner = UserFactory()
        add_member(actor=dataset.owner, team=dataset.team, user=other_owner)
        other = make_dataset(name="other")
        fill(other, 2)
        for owner, data in (
            (dataset.owner, dataset),
            (dataset.owner, dataset),
            (other_owner, dataset),
            (other.owner, other),
            (other.owner, other),
        ):
            make_job(owner=owner, dataset=data, base=base)
        schedule.set_priority(actor=other.owner, job=Job.objects.order_by("-number")[0], priority=9)
        worker = make_worker()
        while places := places_in_line(timezone.now()):
            expected = min(places, key=lambda key: places[key].place)
            claimed = schedule.claim_next(worker=worker)
            assert claimed is not None
            assert claimed.pk == expected
            lifecycle.finish(job_id=claimed.pk, attempt=1, reason="completed")

    def test_a_job_waits_for_a_worker_that_fits(self, dataset: Dataset) -> None:
        job = make_job(dataset=dataset, device_wish="cuda")
        assert schedule.claim_next(worker=make_worker("cpu@a")) is None
        small = make_worker("gpu@b", device="cuda", memory_bytes=1)
        assert schedule.claim_next(worker=small) is None
        assert schedule.has_work_for(small) is False
        claimed = schedule.claim_next(worker=make_worker("gpu@c", device="cuda"))
        assert claimed is not None
        assert claimed.pk == job.pk

    def test_every_job_says_why_it_waits(self, dataset: Dataset) -> None:
        now = timezone.now()
        base = make_base()
        first, second = (make_job(dataset=dataset, base=base) for _ in range(2))
        alone = place_in_line(first, now)
        assert alone is not None
        assert "No training worker" in alone.reason
        worker = make_worker()
        next_one, behind = place_in_line(first, now), place_in_line(second, now)
        assert next_one is not None
        assert behind is not None
        assert (next_one.place, behind.place) == (1, 2)
        assert "next" in next_one.reason
        assert behind.reason == "1 run is ahead of it."
        assert behind.starts_at is not None
        Job.objects.filter(pk=first.pk).update(min_memory_bytes=worker.memory_bytes + 1)
        big = place_in_line(first, now)
        assert big is not None
        assert "memory" in big.reason
        Job.objects.filter(pk=first.pk).update(device_wish="cuda")
        wish = place_in_line(first, now)
        assert wish is not None
        assert "needs a GPU" in wish.reason

    def test_the_board_shows_a_team_its_own_and_needs_no_query_per_row(
        self, dataset: Dataset, django_assert_max_num_queries: Callable[..., object]
    ) -> None:
        base = make_base()
        for _ in range(3):
            make_job(dataset=dataset, base=base)
        make_job(base=base)
        schedule.claim_next(worker=make_worker())
        with django_assert_max_num_queries(14):  # type: ignore[attr-defined]
            board = queue_board(dataset.owner, team=dataset.team, now=timezone.now())
            names = [(job.team.name, job.owner.username) for job in board.waiting]
        assert len(board.running) + len(names) == 3
        assert [board.places[job.pk].place for job in board.waiting] == sorted(
            board.places[job.pk].place for job in board.waiting
        )

    def test_only_managers_move_a_job_forward(self, dataset: Dataset) -> None:
        member = UserFactory()
        add_member(actor=dataset.owner, team=dataset.team, user=member)
        job = make_job(owner=member, dataset=dataset)
        schedule.set_priority(actor=member, job=job, priority=-1)
        job.refresh_from_db()
        with pytest.raises(NotAllowed):
            schedule.set_priority(actor=member, job=job, priority=3)
        schedule.set_priority(actor=dataset.owner, job=job, priority=3)
        job.refresh_from_db()
        assert job.priority == 3

    def test_a_teams_line_has_a_limit(self, dataset: Dataset, settings: object) -> None:
        settings.TEAM_MAX_QUEUED_JOBS = 1  # type: ignore[attr-defined]
        base = make_base()
        make_job(dataset=dataset, base=base)
        with pytest.raises(Conflict):
            make_job(dataset=dataset, base=base)

    def test_unfit_settings_are_named_before_anything_is_saved(self, dataset: Dataset) -> None:
        with pytest.raises(Invalid, match="batch_size"):
            make_job(dataset=dataset, config={"batch_size": 0})
        assert not Job.objects.exists()

    def test_a_waiting_job_takes_other_settings_until_it_starts(self, dataset: Dataset) -> None:
        job = make_job(dataset=dataset)
        submit.change_waiting_job(
            actor=job.owner, job=job, config={"resolution": 128, "max_steps": 7}
        )
        assert (job.config["max_steps"], job.total_steps) == (7, 7)
        schedule.claim_next(worker=make_worker())
        with pytest.raises(Conflict):
            submit.change_waiting_job(actor=job.owner, job=job, config={"max_steps": 9})

    def test_samples_are_made_of_the_captions_where_no_prompts_are_given(self) -> None:
        dataset = make_dataset(name="prompts", trigger_word="ykns")
        fill(dataset, 2, tags="girl, snow")
        job = make_job(dataset=dataset)
        assert job.config["sample_prompts"] == ["ykns, girl, snow"]
        silent = make_job(dataset=dataset, config={"sample_prompts": []})
        assert silent.config["sample_prompts"] == []

    def test_only_a_clean_checkpoint_is_a_base(self, dataset: Dataset) -> None:
        base = make_base()
        base.files.update(scan_status="Pending", scanned_at=None)
        with pytest.raises(Invalid, match="not verified"):
            submit.base_file_for(actor=dataset.owner, version=base)

    def test_strangers_cannot_train_for_a_team(self, dataset: Dataset) -> None:
        with pytest.raises(NotAllowed):
            make_job(owner=UserFactory(), team=make_team(), dataset=dataset)


@pytest.mark.django_db(transaction=True)
def test_workers_on_two_connections_never_take_the_same_job() -> None:
    dataset = make_dataset()
    fill(dataset, 2)
    base = make_base()
    jobs = {make_job(dataset=dataset, base=base).pk for _ in range(8)}
    workers = [make_worker(f"gpu@{number}") for number in range(4)]
    start = threading.Barrier(len(workers))

    def work(worker: WorkerNode) -> list[object]:
        taken = []
        start.wait()
        try:
            while (job := schedule.claim_next(worker=worker)) is not None:
                taken.append(job.pk)
        finally:
            connection.close()
        return taken

    with ThreadPoolExecutor(len(workers)) as pool:
        lists = list(pool.map(work, workers))
    everything = [pk for taken in lists for pk in taken]
    assert len(everything) == len(set(everything))
    # SKIP LOCKED may pass over a row that another worker is just taking, never over a free one.
    while (job := schedule.claim_next(worker=workers[0])) is not None:
        everything.append(job.pk)
    assert set(everything) == jobs
    assert set(Job.objects.values_list("state", "attempt")) == {(State.RUNNING, 1)}


@pytest.mark.django_db(transaction=True)
def test_a_finish_and_a_cancel_at_once_end_in_one_state() -> None:
    dataset = make_dataset()
    fill(dataset, 2)
    base = make_base()
    for _ in range(5):
        job = make_job(dataset=dataset, base=base)
        schedule.claim_next(worker=make_worker())
        start = threading.Barrier(2)

        def finish(job: Job = job, start: threading.Barrier = start) -> None:
            start.wait()
            lifecycle.finish(job_id=job.pk, attempt=1, reason="completed")
            connection.close()

        def cancel(job: Job = job, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                lifecycle.request_cancel(actor=job.owner, job=job)
            except Conflict:
                pass
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda run: run(), (finish, cancel)))
        job.refresh_from_db()
        assert job.state in (State.SUCCEEDED, State.CANCELED)
        last = job.events.order_by("-sequence").first()
        assert last is not None
        assert last.data["state"] == job.state
