"""The folder in which a job is worked on: what lies where, whose it is, and when it goes.

    ATELIER_HOME/work/<job id>/   folder.json  job.toml  base.safetensors  dataset/  library/
                            trainer.log
                            run/  the engine's run folder: events.jsonl  state/  checkpoints/ ...

The engine numbers its events within `run/`; `folder.json` names that series. The lock is an open
file that trainer and worker share: as long as either lives, nobody else works in the folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

LOG_KEPT_BYTES = 262_144
LOCK_POLL_SECONDS = 0.1
KILL_AFTER_SECONDS = 20.0
GIVE_UP_AFTER_SECONDS = 40.0


class FolderBusyError(Exception):
    """Another process works in the folder and does not let go."""


@dataclass(frozen=True)
class WorkFolder:
    """Paths of one job on this machine."""

    root: Path

    @classmethod
    def of(cls, job_id: UUID) -> WorkFolder:
        """The folder of a job, made if it is not there."""
        root = Path(settings.ATELIER_HOME).absolute() / "work" / str(job_id)
        root.mkdir(parents=True, exist_ok=True)
        return cls(root)

    @property
    def dataset(self) -> Path:
        """Where the snapshot is laid out."""
        return self.root / "dataset"

    @property
    def config(self) -> Path:
        """The settings that the engine is started with."""
        return self.root / "job.toml"

    @property
    def run(self) -> Path:
        """The engine's run folder."""
        return self.root / "run"

    @property
    def state(self) -> Path:
        """The engine's resumable state."""
        return self.run / "state" / "state.safetensors"

    @property
    def events(self) -> Path:
        """The engine's own record of its events."""
        return self.run / "events.jsonl"

    @property
    def log(self) -> Path:
        """What the trainer printed, of all attempts on this machine."""
        return self.root / "trainer.log"

    def log_tail(self) -> Path:
        """A file with the end of the log, of a size that can be kept for every attempt."""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_KEPT_BYTES))
            tail = self.root / "log-tail.txt"
            tail.write_bytes(log.read())
        return tail

    def series(self) -> UUID:
        """Name of the series of events in `run/`; new where there are no events yet."""
        path = self.root / "folder.json"
        if self.events.exists() and path.exists():
            return UUID(json.loads(path.read_text())["series"])
        series = uuid.uuid4()
        _write(path, json.dumps({"series": str(series)}))
        return series

    def drop_inputs(self) -> None:
        """Remove what can be fetched again; state, events and log stay."""
        for folder in (self.dataset, self.root / "library"):
            shutil.rmtree(folder, ignore_errors=True)
        for path in self.root.glob("base*"):
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.root, ignore_errors=True)


class FolderLock:
    """Sole use of a work folder; `descriptor` is handed to the trainer, which holds it too."""

    def __init__(self, folder: WorkFolder) -> None:
        self._path = folder.root / "lock"
        self.descriptor = -1

    def __enter__(self) -> FolderLock:
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._acquire()
        except BaseException:
            os.close(self.descriptor)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of our share: the lock ends when the trainer, if it lives, has ended too."""
        os.close(self.descriptor)

    def note_trainer(self, pid: int) -> None:
        """Write down who works here, for whoever finds the lock held after a crash."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{pid} {_start_of(pid)}".encode(), 0)

    def _acquire(self) -> None:
        """Wait for a trainer whose worker died to save and end; kill it when it takes too long."""
        began = time.monotonic()
        killed = False
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            waited = time.monotonic() - began
            if waited > KILL_AFTER_SECONDS and not killed:
                self._kill_holder()
                killed = True
            if waited > GIVE_UP_AFTER_SECONDS:
                raise FolderBusyError(str(self._path))
            time.sleep(LOCK_POLL_SECONDS)

    def _kill_holder(self) -> None:
        pid, _, started = os.pread(self.descriptor, 100, 0).decode().partition(" ")
        if pid.isdigit() and started and _start_of(int(pid)) == started:
            with suppress(ProcessLookupError):
                os.killpg(int(pid), signal.SIGKILL)


def sweep(*, keep: set[UUID], older_than_seconds: float) -> int:
    """Remove folders of jobs not in `keep` that nobody touched for so long; returns how many."""
    root = Path(settings.ATELIER_HOME).absolute() / "work"
    removed = 0
    for path in root.glob("*-*-*-*-*"):
        with suppress(ValueError):
            is_old = time.time() - path.stat().st_mtime > older_than_seconds
            if UUID(path.name) not in keep and is_old:
                WorkFolder(path).remove()
                removed += 1
    return removed


def _start_of(pid: int) -> str:
    """When a process started, in clock ticks since boot; tells a reused number apart."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)
