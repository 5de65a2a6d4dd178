"""The page of a run: curves, samples, and what the facts are called."""

from dataclasses import replace

import pytest
from django.test import Client

from frontend.contexts.run_charts import curves_of
from frontend.contexts.run_samples import sample_table
from frontend.contexts.run_view import run_context
from hub.storage.blobs import store_bytes
from tests.factories.training import SERIES, claimed_job, picture_bytes, started, stepped
from training.engine.events import Event, Validated
from training.jobs.models.artifact import ArtifactKind, JobArtifact
from training.jobs.models.job import Job
from training.jobs.services import lifecycle
from training.jobs.services.events import record_events

pytestmark = pytest.mark.django_db


def told(*events: Event) -> Job:
    job, _worker = claimed_job(preset="tiny-lora-style", config={"sample_every_epochs": 1})
    record_events(job.pk, 1, events, run_folder=SERIES)
    return Job.objects.get(pk=job.pk)


def test_the_held_out_loss_stands_beside_the_training_loss() -> None:
    measured = Validated(sequence=3, step=10, total_steps=20, epoch=1, loss=0.25, images=2)
    job = told(started(1), stepped(2, 1), measured, replace(measured, sequence=4, step=20))
    page = run_context(job.owner, job)
    assert (page.live["heldSteps"], page.live["heldLosses"]) == ([10, 20], [0.25, 0.25])
    assert [len(page.live[name]) for name in ("times", "heldTimes")] == [1, 2]
    client = Client()
    client.force_login(job.owner)
    text = client.get(f"/runs/{job.number}/").content.decode()
    assert 'id="held-key">' in text
    assert '<b class="num" id="f-held">0.2500</b>' in text


def test_each_point_of_the_curve_has_its_time_since_the_run_began() -> None:
    job = told(started(1))
    for number, seconds in ((1, 30), (2, 90.25)):
        at = job.started_at.timestamp() + seconds
        event = replace(stepped(number + 1, number), at=at)
        record_events(job.pk, 1, [event], run_folder=SERIES)
    assert curves_of(job)["times"] == pytest.approx([30, 90.2], abs=0.11)


def test_without_held_out_pictures_nothing_is_said_of_them() -> None:
    job = told(started(1), stepped(2, 1))
    client = Client()
    client.force_login(job.owner)
    assert 'id="held-key" hidden>' in client.get(f"/runs/{job.number}/").content.decode()


def test_a_preset_is_named_as_in_the_wizard() -> None:
    job = told(started(1))
    assert ("Preset", "A style, in about three minutes") in run_context(job.owner, job).settings
    job.preset = "one-that-is-gone"
    assert ("Preset", "one-that-is-gone") in run_context(job.owner, job).settings


def test_the_column_of_the_starred_checkpoint_is_marked() -> None:
    job = told(started(1), stepped(2, 10))
    blob = store_bytes(picture_bytes(), content_type="image/png")
    for kind, path in ((ArtifactKind.SAMPLE, "a.png"), (ArtifactKind.CHECKPOINT, "a.safetensors")):
        JobArtifact.objects.create(
            job=job,
            kind=kind,
            blob=blob,
            name=path,
            epoch=1,
            step=10,
            is_pick=kind == ArtifactKind.CHECKPOINT,
        )
    table = run_context(job.owner, job).samples
    assert (table.epochs, table.pick) == ([1, 2], 1)
    assert [cell.is_pick for cell in table.rows[0].cells] == [True, False]


def test_a_run_that_was_stopped_says_where_and_waits_for_no_more_samples() -> None:
    job = told(started(1), stepped(2, 10))
    assert sample_table(job).epochs == [1, 2]
    lifecycle.request_stop(actor=job.owner, job=job)
    lifecycle.finish(job_id=job.pk, attempt=1, reason="stopped")
    job.refresh_from_db()
    page = run_context(job.owner, job)
    assert job.percent == 50
    assert page.samples.epochs == []
    assert page.stages[2].note == "stopped and kept at step 10 of 20"
    assert [line.text for line in page.log][-2:] == [
        "Asked for: Stop and keep",
        "Done: Stopped before its end, the result is kept",
    ]
