"""The log of a run in words."""

import pytest

from frontend.contexts.run_log import log_lines, stage_words
from tests.factories.training import SERIES, claimed_job, started
from training.engine.events import Stage
from training.jobs.services.events import record_events

pytestmark = pytest.mark.django_db


def test_a_stage_is_one_line_while_it_lasts() -> None:
    job, _worker = claimed_job()
    caching = [
        Stage(sequence=number, stage="caching_latents", done=number, total=3) for number in (1, 2)
    ]
    told = [*caching, started(3), Stage(sequence=4, stage="caching_latents", done=3, total=3)]
    for event in told:
        record_events(job.pk, 1, [event], run_folder=SERIES)
    job.refresh_from_db()
    texts = [line.text for line in log_lines(job)]
    words = stage_words()["caching_latents"]
    assert texts == [
        "Waiting",
        "Running",
        words,
        "Training starts: 3 images, 20 steps, cpu no",
        words,
    ]


def test_measuring_held_out_pictures_is_told_by_the_chart_alone() -> None:
    job, _worker = claimed_job()
    stages = ["training", "validating", "training", "validating", "training"]
    told = [Stage(sequence=number, stage=stage) for number, stage in enumerate(stages, start=1)]
    record_events(job.pk, 1, told, run_folder=SERIES)
    assert [line.text for line in log_lines(job)][2:] == [stage_words()["training"]]
