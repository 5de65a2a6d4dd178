"""The parts of a worker by themselves: sink, control, failures, work folder, staging."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from tests.factories.training import (
    SERIES,
    claimed_job,
    fill,
    finished,
    make_dataset,
    make_job,
    started,
    stepped,
)
from training.engine.config.train import TrainConfig
from training.engine.data.manifest import read_manifest
from training.engine.events import Failed, Suspended
from training.jobs.models.event import EventKind
from training.jobs.models.job import Job
from training.jobs.services.artifacts import record_state_file
from training.worker import work_folder
from training.worker.control import Control
from training.worker.failures import (
    PermanentFailureError,
    TrainerEnd,
    TransientFailureError,
    error_of,
)
from training.worker.node import NameLock, look_at_machine, worker_name
from training.worker.sink import Sink
from training.worker.staging import stage
from training.worker.trainer_process import trainer_environment
from training.worker.work_folder import FolderLock, WorkFolder, sweep

PROJECT = Path(__file__).resolve().parents[3]


class Heard:
    """Records what a trainer is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def command(self, word: str) -> None:
        self.words.append(word)

    def terminate(self) -> None:
        self.words.append("TERM")

    def kill(self) -> None:
        self.words.append("KILL")


def test_a_wish_is_told_once_and_a_deaf_trainer_is_killed() -> None:
    heard = Heard()
    control = Control(heard)
    grace = settings.JOB_STOP_GRACE_SECONDS
    for now in (0.0, 1.0, grace - 0.1):
        control.tick(wish="pause", is_leaving=False, now=now)
    assert heard.words == ["pause"]
    for now in (grace + 0.1, grace + 5):
        control.tick(wish="pause", is_leaving=False, now=now)
    assert heard.words == ["pause", "KILL"]


def test_stop_and_keep_is_never_cut_short() -> None:
    heard = Heard()
    control = Control(heard)
    control.tick(wish="stop", is_leaving=False, now=0.0)
    control.tick(wish="stop", is_leaving=False, now=10_000.0)
    assert heard.words == ["stop"]


def test_a_leaving_worker_pauses_its_trainer_whatever_was_wished() -> None:
    heard = Heard()
    control = Control(heard)
    control.tick(wish="stop", is_leaving=False, now=0.0)
    control.tick(wish="stop", is_leaving=True, now=1.0)
    assert heard.words == ["stop", "pause"]


def test_cancel_follows_on_pause() -> None:
    heard = Heard()
    control = Control(heard)
    control.tick(wish="", is_leaving=False, now=0.0)
    control.tick(wish="pause", is_leaving=False, now=1.0)
    control.tick(wish="cancel", is_leaving=False, now=2.0)
    assert heard.words == ["pause", "cancel"]


@pytest.mark.parametrize(
    ("end", "kind", "code"),
    [
        (
            TrainerEnd(1, Failed(code="non_finite_loss", message="NaN"), ()),
            PermanentFailureError,
            "non_finite_loss",
        ),
        (TrainerEnd(2, None, ("bad setting",)), PermanentFailureError, "invalid_config"),
        (TrainerEnd(-9, None, ()), TransientFailureError, "trainer_killed"),
        (
            TrainerEnd(1, None, ("Traceback", "RuntimeError: x")),
            TransientFailureError,
            "trainer_crashed",
        ),
        (
            TrainerEnd(1, Failed(code="disk_full", message="full"), ()),
            TransientFailureError,
            "disk_full",
        ),
    ],
)
def test_an_end_without_result_is_told_apart(
    end: TrainerEnd, kind: type[Exception], code: str
) -> None:
    error = error_of(end)
    assert type(error) is kind
    assert error.failure.code == code
    assert error.failure.message


@pytest.mark.django_db
def test_losses_are_joined_to_two_a_second_and_none_is_lost() -> None:
    job, _ = claimed_job()
    sink = Sink(job, run_dir=Path(), series=SERIES)
    sink.take(started(1), now=0.0)
    for number in range(1, 41):
        sink.take(stepped(number + 1, number, loss=float(number)), now=number * 0.1)
    sink.take(finished(42), now=4.1)
    told = [
        (data["step"], data["loss"])
        for data in job.events.filter(kind=EventKind.STEPPED)
        .order_by("sequence")
        .values_list("data", flat=True)
    ]
    assert told[0] == (1, 1.0)
    assert told[-1][0] == 40
    assert len(told) <= 10
    steps = [0, *(step for step, _ in told)]
    for (step, loss), before in zip(told, steps, strict=False):
        assert loss == pytest.approx((before + 1 + step) / 2)
    assert sink.finished is not None


@pytest.mark.django_db
def test_a_run_that_goes_on_takes_back_its_earlier_last_word() -> None:
    job, _ = claimed_job()
    sink = Sink(job, run_dir=Path(), series=SERIES)
    sink.take(Suspended(sequence=1, reason="paused", step=3, total_steps=20), now=0.0)
    sink.take(Failed(sequence=2, code="x", message="y"), now=0.0)
    assert sink.failed is not None
    sink.take(started(3), now=0.0)
    assert sink.failed is None
    assert sink.suspended is None


@pytest.mark.django_db
def test_staging_lays_out_what_the_engine_reads_and_twice_is_as_once() -> None:
    dataset = make_dataset()
    fill(dataset, 3)
    job = make_job(dataset=dataset, config={"sample_prompts": ["a yuki"]})
    for _ in range(2):
        staged = stage(job)
        config = TrainConfig.from_toml(staged.folder.config)
        manifest = read_manifest(Path(config.dataset_manifest))
        assert len(manifest.images) == 3
        assert Path(config.base_model.path).is_file()
        assert config.sample_prompts == ["a yuki"]
        assert staged.replay_after == 0


@pytest.mark.django_db
def test_a_series_ends_with_its_events() -> None:
    job = make_job()
    folder = WorkFolder.of(job.pk)
    first = folder.series()
    assert folder.series() != first
    folder.run.mkdir()
    folder.events.write_text("{}\n")
    again = folder.series()
    assert folder.series() == again
    Job.objects.filter(pk=job.pk).update(run_folder=again, engine_sequence=7)
    job.refresh_from_db()
    assert stage(job).replay_after == 7


@pytest.mark.django_db
def test_the_state_of_the_job_that_is_continued_is_taken_over() -> None:
    old = make_job()
    before = WorkFolder.of(old.pk)
    before.state.parent.mkdir(parents=True)
    before.state.write_bytes(b"state")
    new = make_job(dataset=old.snapshot.dataset, base=old.base_version)
    new.continues = old
    staged = stage(new)
    assert staged.folder.state.read_bytes() == b"state"
    assert before.state.exists()


@pytest.mark.django_db
def test_on_another_machine_the_stored_state_is_fetched() -> None:
    job, _ = claimed_job()
    state = WorkFolder.of(job.pk).root / "elsewhere"
    state.write_bytes(b"stored state")
    record_state_file(job.pk, 1, state)
    staged = stage(job)
    assert staged.folder.state.read_bytes() == b"stored state"
    assert staged.replay_after == 0


@pytest.mark.django_db
def test_a_lost_base_is_a_permanent_failure() -> None:
    job = make_job()
    job.base_sha256 = "f" * 64
    with pytest.raises(PermanentFailureError, match="deleted"):
        stage(job)


def test_the_trainer_gets_no_secret_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("ATELIER_SECRET_KEY", "secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    environment = trainer_environment(project=PROJECT)
    assert "DATABASE_URL" not in environment
    assert "ATELIER_SECRET_KEY" not in environment
    assert environment["CUDA_VISIBLE_DEVICES"] == "1"


HOLDER = """
import sys, time
from pathlib import Path
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "hub.settings.testing"
from training.worker.work_folder import FolderLock, WorkFolder
with FolderLock(WorkFolder(Path(sys.argv[1]))) as lock:
    lock.note_trainer(os.getpid())
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_folder_that_another_trainer_holds_is_taken_from_it_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_folder, "KILL_AFTER_SECONDS", 0.2)
    with hold(tmp_path) as holder, FolderLock(WorkFolder(tmp_path)):
        assert holder.wait(10) == -9


def test_a_folder_is_free_when_its_trainer_leaves(tmp_path: Path) -> None:
    with hold(tmp_path) as holder:
        assert holder.stdin is not None
        holder.stdin.close()
        with FolderLock(WorkFolder(tmp_path)):
            assert holder.wait(10) == 0


def test_old_folders_of_ended_jobs_are_swept() -> None:
    kept, gone, young = (WorkFolder.of(uuid4()) for _ in range(3))
    for folder in (kept, gone):
        os.utime(folder.root, (0, 0))
    sweep(keep={UUID(kept.root.name)}, older_than_seconds=3600)
    assert kept.root.exists()
    assert young.root.exists()
    assert not gone.root.exists()


def test_a_worker_name_is_held_by_one_process() -> None:
    first, second = NameLock("gpu@here"), NameLock("gpu@here")
    assert first.take()
    assert not second.take()
    first.close()
    assert second.take()
    second.close()


def test_each_gpu_of_a_machine_is_a_worker_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert worker_name("gpu@box") == "gpu@box:1"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert worker_name("gpu@box") == "gpu@box"


def test_the_machine_has_memory() -> None:
    assert look_at_machine().memory_bytes > 2**28


def test_pages_and_workers_start_without_what_trains_or_draws() -> None:
    code = (
        "import django, os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'hub.settings.testing';"
        "django.setup(); import training.worker.tasks, hub.urls;"
        "print({'torch', 'diffusers', 'numpy', 'rich', 'pyarrow'} & set(sys.modules) or 'none')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == "none"
