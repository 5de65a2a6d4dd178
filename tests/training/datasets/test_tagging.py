"""Auto-tagging with a real program of the operator's: a small Python script."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from hub.core.errors import Conflict, Invalid, NotAllowed
from tests.factories.accounts import UserFactory
from tests.factories.training import fill, make_dataset
from training.datasets.models.dataset import Dataset
from training.datasets.models.tag import TagEdit
from training.datasets.models.tagging import TaggingRun, TaggingStatus
from training.datasets.queries import items_of
from training.datasets.services import tagging
from training.datasets.services.tagging import resume_tagging, run_tagging, start_tagging
from training.datasets.services.tags import undo

pytestmark = pytest.mark.django_db

# It opens each picture and says how large it is; it also leaves a note of each call.
TAGGER = """
import json, pathlib, sys
from PIL import Image
note, *paths = sys.argv[1:]
with open(note, "a") as file:
    file.write(f"{len(paths)}\\n")
for path in paths:
    with Image.open(path) as picture:
        print(json.dumps({"picture": path, "tags": [f"{picture.width} wide", "girl"]}))
"""


@pytest.fixture
def dataset() -> Dataset:
    found = make_dataset()
    fill(found, 3)
    return found


@pytest.fixture
def program(tmp_path: Path, settings: Any) -> Path:
    script = tmp_path / "tagger.py"
    script.write_text(TAGGER)
    calls = tmp_path / "calls"
    settings.TAGGER_COMMAND = [sys.executable, str(script), str(calls)]
    return calls


def asked(dataset: Dataset) -> TaggingRun:
    return start_tagging(actor=dataset.owner, dataset=dataset, items=list(items_of(dataset)))


def test_tags_are_added_behind_those_that_are_there_as_one_step_of_undo(
    dataset: Dataset, program: Path
) -> None:
    run = asked(dataset)
    run_tagging(run_id=run.pk)
    run.refresh_from_db()
    assert (run.status, run.error_message) == (TaggingStatus.DONE, "")
    wanted = ["yuki", "girl", "snow", "64 wide"]
    assert [item.tag_texts for item in items_of(dataset)] == [wanted] * 3
    undo(actor=dataset.owner, dataset=dataset)
    assert [item.tag_texts for item in items_of(dataset)] == [wanted[:3]] * 3


def test_a_killed_run_goes_on_with_the_pictures_that_have_no_answer(
    dataset: Dataset, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagging, "PICTURES_AT_ONCE", 2)
    run = asked(dataset)
    first = items_of(dataset)[0]
    TaggingRun.objects.update(found={str(first.pk): ["night"]})  # what the killed worker had
    run_tagging(run_id=run.pk)
    assert program.read_text() == "2\n"
    assert "night" in items_of(dataset)[0].tag_texts
    run_tagging(run_id=run.pk)  # it was only late: nothing is done twice
    assert TagEdit.objects.filter(dataset=dataset).count() == 1


def test_a_lost_wake_up_is_sent_again(dataset: Dataset, program: Path) -> None:
    run = asked(dataset)
    assert resume_tagging() == 0
    TaggingRun.objects.update(created_at=run.created_at - 2 * tagging.RESUME_AFTER)
    assert resume_tagging() == 1
    run_tagging(run_id=run.pk)
    assert resume_tagging() == 0


@pytest.mark.parametrize(
    ("script", "seconds", "words"),
    [
        ("raise SystemExit('no model here')", 60, "The tagger failed: no model here"),
        ("print('hello')", 60, "The tagger printed something else: hello"),
        ('print(\'{"picture": 1, "tags": []}\')', 60, "printed something else"),
        ("import time; time.sleep(60)", 0.1, "longer than"),
    ],
)
def test_what_goes_wrong_is_told_and_changes_nothing(
    dataset: Dataset, tmp_path: Path, script: str, seconds: float, words: str
) -> None:
    program = tmp_path / "broken.py"
    program.write_text(script)
    with override_settings(TAGGER_COMMAND=[sys.executable, str(program)], TAGGER_SECONDS=seconds):
        run = asked(dataset)
        run_tagging(run_id=run.pk)
    run.refresh_from_db()
    assert run.status == TaggingStatus.FAILED
    assert words in run.error_message
    assert not TagEdit.objects.filter(dataset=dataset).exists()


def test_a_program_that_is_not_there_is_told(dataset: Dataset, settings: Any) -> None:
    settings.TAGGER_COMMAND = ["/no/such/tagger"]
    run = asked(dataset)
    run_tagging(run_id=run.pk)
    run.refresh_from_db()
    assert "could not be started" in run.error_message


def test_one_run_at_a_time_by_those_who_may_edit(dataset: Dataset, program: Path) -> None:
    asked(dataset)
    with pytest.raises(Conflict, match="already"):
        asked(dataset)
    items = list(items_of(dataset))
    dataset.visibility = "public"
    dataset.save()
    with pytest.raises(NotAllowed):
        start_tagging(actor=UserFactory(), dataset=dataset, items=items)
    with pytest.raises(Invalid, match="at least one"):
        start_tagging(actor=dataset.owner, dataset=dataset, items=[])


def test_without_a_tagger_it_is_refused(dataset: Dataset, settings: Any) -> None:
    settings.TAGGER_COMMAND = []
    with pytest.raises(Invalid, match="no tagger"):
        asked(dataset)
