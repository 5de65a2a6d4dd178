"""What the demo trains: each lesson fits its preset, is put in line once and published once."""

from pathlib import Path

import pytest

from hub.demo.training_runs import LESSONS, Lesson, make_dataset, publish_when_done, queue_run
from tests.factories.accounts import UserFactory, make_team
from tests.factories.runs import finished_run
from tests.factories.training import make_base, make_job
from training.jobs.services import lifecycle

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.folder)
def test_a_lesson_is_put_in_line_once(lesson: Lesson) -> None:
    owner = UserFactory()
    team, base = make_team(owner=owner), make_base(owner=owner)
    datasets = [make_dataset(actor=owner, team=team, lesson=lesson) for _ in range(2)]
    assert datasets[0] == datasets[1]
    assert datasets[0].item_count > 0
    jobs = [queue_run(actor=owner, dataset=datasets[0], base=base, lesson=lesson) for _ in "ab"]
    assert jobs[0] == jobs[1]
    assert (jobs[0].method, jobs[0].preset) == (lesson.method, lesson.preset)
    prompts = jobs[0].config["sample_prompts"]
    assert sum(lesson.trigger_word in prompt for prompt in prompts) >= 3


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.folder)
def test_a_finished_run_is_published_once_under_its_trigger_word(
    lesson: Lesson, tmp_path: Path
) -> None:
    job = finished_run(tmp_path, name=lesson.run)
    versions = {publish_when_done(actor=job.owner, job=job, lesson=lesson, say=print) for _ in "ab"}
    (version,) = versions
    assert version is not None
    assert version.model.name == lesson.run
    assert version.trained_words == [lesson.trigger_word]


def test_a_run_that_did_not_succeed_is_told_and_not_published() -> None:
    job = make_job()
    lesson, told = LESSONS[0], list[str]()
    lifecycle.request_cancel(actor=job.owner, job=job)
    job.refresh_from_db()
    assert publish_when_done(actor=job.owner, job=job, lesson=lesson, say=told.append) is None
    assert "Canceled" in told[-1]
