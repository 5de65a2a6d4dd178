"""What the chaos tests stand on: the bundled base as one file, and workers that can be killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection

from hub.storage.blobs import store_path
from models_registry.models.model import ModelType
from models_registry.models.version import ModelVersion
from models_registry.services import files, publish
from tests.factories.registry import make_model, make_version
from tests.factories.training import TINY, fill, make_dataset, make_job
from training.jobs.models.job import Job

PROJECT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 4
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 240.0


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled base as a single checkpoint, written by the engine's own exporter."""
    import torch

    from training.base_models.tiny.location import tiny_base_dir
    from training.engine.checkpoint_layout import checkpoint_tensors
    from training.engine.components import load_components
    from training.engine.config.train import TrainConfig
    from training.engine.files.lazy_tensors import save_tensors
    from training.engine.machine.precision import Precision

    base = {"path": str(tiny_base_dir()), "architecture": "tiny"}
    config = TrainConfig.parse({"base_model": base, "dataset_manifest": "none", "device": "cpu"})
    components = load_components(config, Precision("cpu", "fp32", False, 1, False))
    path = tmp_path_factory.mktemp("base") / "tiny.safetensors"
    save_tensors(path, checkpoint_tensors(components, torch.float16, tiny_base_dir()), {})
    return path


@pytest.fixture
def tiny_base(tiny_file: Path) -> ModelVersion:
    """That file as a published checkpoint of the registry."""
    model = make_model(name=TINY, type=ModelType.CHECKPOINT)
    version = make_version(model, base_model=TINY, trigger_words=())
    blob = store_path(tiny_file, content_type="application/octet-stream")
    file = files.add_file(actor=model.owner, version=version, blob=blob, name="tiny.safetensors")
    files.process_file(file_id=file.pk)
    publish.publish_version(actor=model.owner, version=version)
    return version


@pytest.fixture
def job(tiny_base: ModelVersion) -> Job:
    """A LoRA whose state is saved after every step, with samples halfway and at the end.

    Its 32 steps are long enough for a command to reach it before it is over.
    """
    dataset = make_dataset(trigger_word="yuki")
    fill(dataset, 4)
    return make_job(
        dataset=dataset,
        base=tiny_base,
        config={
            "batch_size": 2,
            "resolution": 64,
            "max_steps": 32,
            "epochs": 16,
            "save_every_epochs": 8,
            "sample_every_epochs": 8,
            "state_every_seconds": 0,
            "sample_prompts": ["a yuki", "a house"],
            "sampling": {"steps": 2, "guidance": 2.0},
            "network": {"dim": 4},
        },
    )


class Fate(threading.Thread):
    """While entered, waits until something holds and strikes once, on its own connection."""

    def __init__(self, *, when: Callable[[], bool], strike: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._when = when
        self._strike = strike
        self._called_off = threading.Event()
        self.struck = False

    def __enter__(self) -> Fate:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._called_off.set()
        self.join()

    def run(self) -> None:
        """Poll and strike."""
        try:
            while not self._called_off.wait(POLL_SECONDS):
                if self._when():
                    self._strike()
                    self.struck = True
                    return
        finally:
            connection.close()


def wait_for(holds: Callable[[], bool], *, what: str) -> None:
    """Return when `holds` is true; fail the test when it takes too long."""
    late = threading.Event()
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"It took too long: {what}.")
        late.wait(POLL_SECONDS)


def trainer_pid(job: Job) -> int | None:
    """The process that trains the job on this machine, by its work folder, if there is one."""
    path = Path(settings.ATELIER_HOME) / "work" / str(job.pk) / "lock"
    text = path.read_text().split() if path.exists() else []
    return int(text[0]) if text else None


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def kill(pid: int | None) -> None:
    """kill -9."""
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def chance() -> random.Random:
    """Chance that another run of the tests repeats."""
    return random.Random(20261123)


def worker_environment() -> dict[str, str]:
    """A worker process of the same database, store and home as this test."""
    database = settings.DATABASES["default"]
    url = f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "ATELIER_ENV": "development",
        "ATELIER_HOME": str(settings.ATELIER_HOME),
        "ATELIER_JOB_LEASE_SECONDS": str(LEASE_SECONDS),
        "STORAGE_URL": settings.STORAGE_URL,
        "DATABASE_URL": url,
        "VALKEY_URL": settings.VALKEY_URL,
    }


@pytest.fixture
def start_worker() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts real Celery workers; those that live at the end are killed with their trainers."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        redis.from_url(settings.VALKEY_URL).delete("gpu")  # it must look for work by itself
        arguments = ["-A", "hub.celery", "worker", "-Q", "gpu", "--pool", "solo", "-n", "gpu@chaos"]
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", *arguments, "-l", "info"],
            env=worker_environment(),
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()
