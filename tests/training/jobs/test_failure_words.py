"""A run keeps why it stopped as a code with values; the sentence is made for who reads it."""

import pytest
from django.conf import settings
from django.utils import timezone, translation

from tests.factories.training import claimed_job
from training.jobs.failure_words import SENTENCES, failure_text
from training.jobs.models.event import EventKind, JobEvent
from training.jobs.models.job import Job, State
from training.jobs.services import lifecycle
from training.jobs.services.lifecycle import Failure


def test_a_code_becomes_a_sentence_in_the_language_of_the_reader() -> None:
    params = {"seconds": 60}
    english = failure_text("worker_lost", params, "stored").sentence
    with translation.override("zh-hans"):
        chinese = failure_text("worker_lost", params, "stored").sentence
    assert english == "The worker gave no sign of life for 60 seconds."
    assert "60" in chinese
    assert chinese != english


def test_the_words_of_the_trainer_stand_below_where_they_say_more() -> None:
    said = failure_text("invalid_config", {}, "min_side is above max_side.")
    assert said.detail == "min_side is above max_side."
    assert failure_text("trainer_killed", {}, "The trainer was killed.").detail == ""


def test_attempts_in_a_row_name_the_last_reason_in_the_same_language() -> None:
    last = {"code": "trainer_signalled", "params": {"signal": 15}, "message": "English"}
    with translation.override("zh-hans"):
        inner = failure_text("trainer_signalled", {"signal": 15}, "").sentence
        said = failure_text("too_many_attempts", {"count": 3, "reason": last}, "English")
    assert inner in said.sentence
    assert "English" not in said.sentence


@pytest.mark.parametrize("params", [{}, {"other": 1}])
def test_a_row_without_its_values_shows_what_was_stored(params: dict[str, int]) -> None:
    assert failure_text("worker_lost", params, "No sign of life.").sentence == "No sign of life."


def test_an_unknown_code_shows_what_was_stored() -> None:
    assert failure_text("new_in_engine", {}, "It broke.").sentence == "It broke."


def test_every_code_that_the_worker_and_the_engine_use_has_its_sentence() -> None:
    codes = {
        *("worker_lost", "worker_restarted", "worker_error", "folder_busy", "trainer_killed"),
        *("trainer_signalled", "trainer_crashed", "staging_failed", "file_missing"),
        *("base_missing", "disk_full", "invalid_config", "invalid_dataset", "invalid_base_model"),
        *("invalid_state", "non_finite_loss", "out_of_memory", "internal_error"),
    }
    assert codes <= set(SENTENCES)


@pytest.mark.django_db
def test_a_lost_worker_is_stored_as_code_and_values() -> None:
    job, _worker = claimed_job()
    fruitless = settings.JOB_MAX_ATTEMPTS
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now(), fruitless_attempts=fruitless)
    with translation.override("zh-hans"):
        lifecycle.requeue_lost_jobs()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAILED, "too_many_attempts")
    assert job.error_params["count"] == fruitless
    assert job.error_params["reason"]["params"] == {"seconds": settings.JOB_LEASE_SECONDS}
    assert job.error_message.isascii()


@pytest.mark.django_db
def test_events_of_a_state_carry_no_word_of_one_language() -> None:
    job, _worker = claimed_job()
    failure = Failure("out_of_memory", "Too little.", {"free": 1})
    lifecycle.fail(job_id=job.pk, attempt=1, failure=failure)
    told = JobEvent.objects.filter(job=job, kind=EventKind.STATE).order_by("-sequence")[0].data
    assert told["code"] == "out_of_memory"
    assert told["params"] == {"free": 1}
    assert "label" not in told
