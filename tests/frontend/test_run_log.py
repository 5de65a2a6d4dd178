"""The log of a run in words."""

import re
from pathlib import Path

import pytest
from django.utils.translation import override

import training.engine
from frontend.contexts.run_log import log_lines, stage_words, warning_words
from tests.factories.training import SERIES, claimed_job, started
from training.engine.events import Stage, Warned
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


def test_every_stage_and_warning_of_the_trainer_has_words_in_both_languages() -> None:
    """The trainer's own source says which there are: its words are plain texts in it."""
    folder = Path(training.engine.__file__).parent
    code = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    stages = set(re.findall(r"Stage\(stage=\"(\w+)\"", code))
    stages |= set(re.findall(r"_Told\(run, \"(\w+)\",", code))
    warned = r"(?:Warned\(code=|\bwarn\(|_warn\(|warn, |on_warning\()\"(\w+)\""
    warnings = set(re.findall(warned, code))
    assert {"compiling", "caching_latents"} <= stages <= stage_words().keys()
    assert {"out_of_memory", "picture_skipped"} <= warnings == warning_words().keys()
    with override("zh-hans"):
        words = [*stage_words().values(), *warning_words().values()]
    assert all(re.search(r"[\u4e00-\u9fff]", word) for word in words)


def test_a_warning_says_what_it_is_about_before_the_trainers_own_words() -> None:
    job, _worker = claimed_job()
    told = [
        Warned(sequence=1, code="picture_skipped", message="a.png is cut short."),
        Warned(sequence=2, code="of_tomorrow", message="Something new."),
    ]
    record_events(job.pk, 1, told, run_folder=SERIES)
    texts = [line.text for line in log_lines(job)][2:]
    assert texts == ["Image left out: a.png is cut short.", "Something new."]
