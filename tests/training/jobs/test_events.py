"""What a job tells: numbered, once, in step with its columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from tests.factories.training import (
    SERIES,
    checkpointed,
    claimed_job,
    make_worker,
    picture_bytes,
    started,
    stepped,
)
from training.engine.events import Previewed, Stage, Validated, Warned
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.event import EventKind, JobEvent
from training.jobs.models.job import Job, State
from training.jobs.queries import held_out_curve, loss_curve, prepared_at, sample_rows
from training.jobs.services import artifacts, lifecycle, schedule
from training.jobs.services.events import record_events, replay
from training.jobs.services.transitions import LeaseLost

pytestmark = pytest.mark.django_db


def numbers(job: Job) -> list[int]:
    return list(job.events.order_by("sequence").values_list("sequence", flat=True))


def test_events_are_numbered_without_gap_and_kept_in_columns() -> None:
    job, _ = claimed_job()
    record_events(
        job.pk,
        1,
        [Stage(sequence=1, stage="caching_latents", done=1, total=3), started(2), stepped(3, 1)],
        run_folder=SERIES,
    )
    job.refresh_from_db()
    assert numbers(job) == [1, 2, 3, 4, 5]
    assert (job.step, job.total_steps, job.total_epochs, job.loss) == (1, 20, 2, 0.5)
    assert (job.last_sequence, job.engine_sequence, job.stage) == (5, 3, "training")
    assert job.percent == 5


def test_an_engine_event_that_comes_again_is_left_out() -> None:
    job, _ = claimed_job()
    events = [started(1), stepped(2, 1), stepped(3, 2)]
    record_events(job.pk, 1, events[:2], run_folder=SERIES)
    record_events(job.pk, 1, events, run_folder=SERIES)
    record_events(job.pk, 1, events, run_folder=SERIES)
    steps = job.events.filter(kind=EventKind.STEPPED).values_list("data__step", flat=True)
    assert list(steps.order_by("sequence")) == [1, 2]


def test_a_new_run_folder_begins_its_numbers_again() -> None:
    job, _ = claimed_job()
    record_events(job.pk, 1, [started(1), stepped(2, 1)], run_folder=SERIES)
    record_events(job.pk, 1, [started(1), stepped(2, 2)], run_folder=uuid4())
    assert job.events.filter(kind=EventKind.STEPPED).count() == 2


def test_an_attempt_that_lost_the_job_writes_nothing() -> None:
    job, _ = claimed_job()
    Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))
    assert lifecycle.requeue_lost_jobs() == [job.pk]
    before = numbers(job)
    for write in (
        lambda: record_events(job.pk, 1, [stepped(1, 1)], run_folder=SERIES),
        lambda: lifecycle.renew_lease(job_id=job.pk, attempt=1),
        lambda: lifecycle.finish(job_id=job.pk, attempt=1, reason="completed"),
    ):
        with pytest.raises(LeaseLost):
            write()
    again = schedule.claim_next(worker=make_worker("gpu@two"))
    assert again is not None
    with pytest.raises(LeaseLost):
        record_events(job.pk, 1, [stepped(1, 1)], run_folder=SERIES)
    record_events(job.pk, 2, [stepped(1, 1)], run_folder=SERIES)
    assert numbers(job)[: len(before)] == before


def test_a_lease_that_is_held_is_not_taken_back() -> None:
    job, _ = claimed_job()
    assert lifecycle.requeue_lost_jobs() == []
    lifecycle.renew_lease(job_id=job.pk, attempt=1)
    job.refresh_from_db()
    assert job.state == State.RUNNING


def test_a_worker_that_starts_again_gives_its_old_jobs_back_at_once() -> None:
    job, worker = claimed_job()
    assert lifecycle.requeue_jobs_of(make_worker("gpu@other")) == []
    assert lifecycle.requeue_jobs_of(worker) == [job.pk]
    job.refresh_from_db()
    assert (job.state, job.worker) == (State.QUEUED, None)


def test_a_lost_job_keeps_its_place_in_line() -> None:
    job, _ = claimed_job()
    queued_at = job.queued_at
    lifecycle.give_back(job_id=job.pk, attempt=1, failure=lifecycle.Failure("x", "y"))
    job.refresh_from_db()
    assert job.queued_at == queued_at


def test_a_job_that_was_asked_to_pause_does_not_start_again_when_its_worker_dies() -> None:
    job, worker = claimed_job()
    lifecycle.request_pause(actor=job.owner, job=job)
    lifecycle.requeue_jobs_of(worker)
    job.refresh_from_db()
    assert job.state == State.PAUSED


def test_files_are_kept_told_and_found_again(tmp_path: Path) -> None:
    job, _ = claimed_job()
    (tmp_path / "samples").mkdir()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "samples/e0001-p00.png").write_bytes(picture_bytes(1))
    (tmp_path / "checkpoints/a.safetensors").write_bytes(b"weights")
    sample = Previewed(
        sequence=2,
        path="samples/e0001-p00.png",
        prompt_index=0,
        prompt="a yuki",
        negative="",
        seed=1,
        epoch=1,
        step=10,
        width=64,
        height=64,
    )
    places = {"run_dir": tmp_path, "run_folder": SERIES}
    first = artifacts.record_file(job.pk, 1, checkpointed(1, "checkpoints/a.safetensors"), **places)
    picture = artifacts.record_file(job.pk, 1, sample, **places)
    assert artifacts.record_file(job.pk, 1, sample, **places) is None
    assert first is not None
    assert picture is not None
    told = list(job.events.filter(kind=EventKind.ARTIFACT).order_by("sequence"))
    assert [event.data["id"] for event in told] == [str(first.pk), str(picture.pk)]
    assert told[1].data["prompt"] == "a yuki"
    assert picture.blob.content_type == "image/png"
    assert sample_rows(job) == {0: [picture]}
    artifacts.pick_checkpoint(actor=job.owner, artifact=first)
    assert JobArtifact.objects.get(is_pick=True).pk == first.pk


def test_the_saved_state_of_a_job_is_one_row_that_changes(tmp_path: Path) -> None:
    job, _ = claimed_job()
    state = tmp_path / "state.safetensors"
    for content in (b"one", b"two"):
        state.write_bytes(content)
        artifacts.record_state_file(job.pk, 1, state)
    kept = JobArtifact.objects.get(job=job, kind=ArtifactKind.STATE)
    assert kept.blob.size_bytes == 3
    from hub.storage.blobs import open_blob

    with open_blob(kept.blob) as file:
        assert file.read() == b"two"


def test_the_curve_is_thinned_and_in_order_of_steps() -> None:
    job, _ = claimed_job()
    events = [stepped(number, number, loss=1 / number) for number in range(1, 101)]
    record_events(job.pk, 1, events, run_folder=SERIES)
    curve = loss_curve(job, limit=10)
    assert [point.step for point in curve] == list(range(1, 101, 10))
    assert curve[0].loss == 1.0


def test_a_replay_gives_what_comes_after_a_number() -> None:
    job, _ = claimed_job()
    record_events(
        job.pk, 1, [Warned(sequence=1, code="c", message="m"), stepped(2, 1)], run_folder=SERIES
    )
    assert [event.sequence for event in replay(job, 2)] == [3, 4]
    assert [event.sequence for event in replay(job, 0, limit=2)] == [1, 2]
    assert replay(job, 99) == []
    assert JobEvent.objects.filter(job=job, kind=EventKind.WARNED).get().data == {
        "code": "c",
        "message": "m",
    }


def test_a_resumed_run_does_not_take_steps_back_that_were_told() -> None:
    """The engine tells no step twice: going on from an earlier state must not lower the figure."""
    job, _ = claimed_job()
    for event in (started(1), stepped(2, 20), replace(started(3), step=19, resumed=True)):
        record_events(job.pk, 1, [event], run_folder=SERIES)
    job.refresh_from_db()
    assert job.step == 20


def test_a_held_out_loss_is_an_event_of_its_own_and_leaves_the_training_loss_alone() -> None:
    job, _ = claimed_job()
    measured = Validated(sequence=3, step=1, total_steps=20, epoch=1, loss=0.25, images=2)
    record_events(job.pk, 1, [started(1), stepped(2, 1), measured], run_folder=SERIES)
    job.refresh_from_db()
    assert job.loss == 0.5
    assert job.engine_sequence == 3
    assert JobEvent.objects.get(job=job, kind=EventKind.VALIDATED).data == {
        "step": 1,
        "total_steps": 20,
        "epoch": 1,
        "loss": 0.25,
        "images": 2,
    }
    assert [point.loss for point in loss_curve(job, limit=10)] == [0.5]
    assert [(point.step, point.loss) for point in held_out_curve(job)] == [(1, 0.25)]


def test_a_held_out_loss_that_is_told_again_replaces_the_old_one() -> None:
    job, _ = claimed_job()
    told = [
        Validated(sequence=number, step=step, total_steps=20, epoch=1, loss=loss, images=2)
        for number, (step, loss) in enumerate([(0, 0.5), (10, 0.4), (10, 0.3)], start=1)
    ]
    record_events(job.pk, 1, told, run_folder=SERIES)
    assert [(point.step, point.loss) for point in held_out_curve(job)] == [(0, 0.5), (10, 0.3)]


def test_a_run_is_prepared_when_training_begins_for_the_first_time() -> None:
    job, _ = claimed_job()
    assert prepared_at(job) is None
    begun = [replace(started(number), at=1_800_000_000.0 + 60 * number) for number in (1, 2)]
    record_events(job.pk, 1, begun, run_folder=SERIES)
    assert prepared_at(job) == datetime.fromtimestamp(1_800_000_060, tz=UTC)
