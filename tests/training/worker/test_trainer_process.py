"""Which process a run gets: the one that waits, or a new one where that cannot take it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from training.worker.staging import Staged
from training.worker.trainer_process import KeptTrainer, TrainerProcess, trainer_environment
from training.worker.work_folder import WorkFolder

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def staged(tmp_path: Path) -> Staged:
    """A run whose settings are refused, so that it ends at once."""
    root = tmp_path / "work" / "job"
    root.mkdir(parents=True)
    (root / "job.toml").write_text('method = "lora"\nresolution = 7\n')
    return Staged(WorkFolder(root), tmp_path / "cache", uuid.uuid4(), 0)


@pytest.fixture
def kept() -> Iterator[KeptTrainer]:
    trainer = KeptTrainer()
    yield trainer
    trainer.end()


def start(staged: Staged) -> TrainerProcess:
    environment = trainer_environment(project=PROJECT)
    return TrainerProcess(log=staged.folder.log, environment=environment)


def hand_over(kept: KeptTrainer, staged: Staged) -> TrainerProcess:
    environment = trainer_environment(project=PROJECT)
    with (staged.folder.root / "lock").open("w") as lock:
        return kept.hand_over(staged, lock_descriptor=lock.fileno(), environment=environment)


def ended(process: TrainerProcess) -> int:
    told = process.next_line(timeout_seconds=120)
    assert told is not None
    process.close()
    return int(told["ended"])


def test_a_run_goes_to_the_process_that_waits(kept: KeptTrainer, staged: Staged) -> None:
    waiting = start(staged)
    kept.keep(waiting)
    taken = hand_over(kept, staged)
    assert taken is waiting
    assert ended(taken) == 2
    assert "resolution" in staged.folder.log.read_text()


def test_a_waiting_process_that_has_died_is_replaced(kept: KeptTrainer, staged: Staged) -> None:
    waiting = start(staged)
    kept.keep(waiting)
    waiting.kill()
    waiting.wait(timeout_seconds=60)
    taken = hand_over(kept, staged)
    assert taken.pid != waiting.pid
    assert ended(taken) == 2


def test_a_process_leaves_when_its_idle_time_is_over_and_not_before(
    kept: KeptTrainer, staged: Staged, settings: Settings
) -> None:
    settings.TRAINER_IDLE_SECONDS = 1
    leaving = start(staged)
    settings.TRAINER_IDLE_SECONDS = 600
    staying = start(staged)
    kept.keep(staying)
    assert leaving.wait(timeout_seconds=60) == 0
    leaving.close()
    os.kill(staying.pid, 0)


def test_a_process_is_for_as_many_runs_as_the_setting_says(
    staged: Staged, settings: Settings
) -> None:
    for most in (1, 2):
        settings.TRAINER_MAX_RUNS = most
        process = start(staged)
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode().split("\0")
        assert words[words.index("--most-runs") + 1] == str(most)
        process.close()
