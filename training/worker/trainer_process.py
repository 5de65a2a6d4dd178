"""The process that trains, one run after another: in a session of its own, tied to our life.

It keeps imports and the last base model between runs (training/engine/serving.py has the rules).
Events come as JSON lines on a pipe of their own, so that nothing a library prints can mix with
them. If this process dies, the trainer gets SIGTERM from the kernel and the end of its orders;
both make it save its state and leave.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from training.worker.staging import Staged

PR_SET_PDEATHSIG = 1  # prctl(2)
QUEUE_LINES = 10_000
TAKE_SECONDS = 60.0  # a process that takes no order in this time is replaced
_libc = ctypes.CDLL(None, use_errno=True)


class TrainerProcess:
    """A running engine. Start it in the main thread: its death signal follows that thread."""

    def __init__(self, *, log: Path, environment: Mapping[str, str]) -> None:
        self._process: subprocess.Popen[bytes]
        reading, writing = os.pipe()
        self._orders, theirs = socket.socketpair()
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(  # noqa: S603  our own program, no shell
                    _arguments(writing, theirs.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=dict(environment),
                    cwd=log.parent.parent,
                    start_new_session=True,
                    pass_fds=(writing, theirs.fileno()),
                    preexec_fn=die_with_parent(),  # noqa: PLW1509  only async-signal-safe calls
                )
        except BaseException:
            os.close(reading)
            self._orders.close()
            raise
        finally:
            os.close(writing)
            theirs.close()
        self._lines: queue.Queue[bytes | None] = queue.Queue(QUEUE_LINES)
        self._reader = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process number, also that of its group."""
        return self._process.pid

    def take(self, staged: Staged, lock_descriptor: int) -> bool:
        """Order a run; False where the process has ended, or does not answer."""
        order = {
            "config": str(staged.folder.config),
            "run_dir": str(staged.folder.run),
            "cache_dir": str(staged.cache_dir),
            "log": str(staged.folder.log),
            "replay_after": staged.replay_after,
        }
        try:
            socket.send_fds(self._orders, [_line(train=order)], [lock_descriptor])
            return self.next_line(timeout_seconds=TAKE_SECONDS) == {"taken": True}
        except (OSError, EOFError):
            return False

    def next_line(self, *, timeout_seconds: float) -> dict[str, Any] | None:
        """The next line, or None when none came in time. Raises EOFError after the last one."""
        try:
            line = self._lines.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)
            raise EOFError
        told: dict[str, Any] = json.loads(line)
        return told

    def command(self, word: str) -> None:
        """Ask for something; a process that is ending does not hear it."""
        with suppress(OSError):
            self._orders.sendall(_line(command=word))

    def terminate(self) -> None:
        """Ask the process to save and leave."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the process and all it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self, *, timeout_seconds: float) -> int:
        """The exit code; a process that takes longer is killed."""
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def close(self) -> None:
        """Leave nothing behind: kill what still lives, close the pipes."""
        self.kill()
        self._process.wait()
        self._orders.close()

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    self._lines.put(line)
        self._lines.put(None)


class KeptTrainer:
    """The process that waits between two runs, at most one."""

    def __init__(self) -> None:
        self._process: TrainerProcess | None = None
        self._lock = threading.Lock()

    def hand_over(
        self, staged: Staged, *, lock_descriptor: int, environment: Mapping[str, str]
    ) -> TrainerProcess:
        """Have a run begun: by the waiting process, or by a new one where that has ended."""
        with self._lock:
            waiting, self._process = self._process, None
        if waiting is not None:
            if waiting.take(staged, lock_descriptor):
                return waiting
            waiting.close()
        fresh = TrainerProcess(log=staged.folder.log, environment=environment)
        fresh.take(staged, lock_descriptor)  # where it fails, the run sees the end of the process
        return fresh

    def keep(self, process: TrainerProcess) -> None:
        """Let a process wait for the next run."""
        with self._lock:
            before, self._process = self._process, process
        if before is not None:
            before.close()

    def end(self) -> None:
        """End the waiting process: its memory is needed, or we leave."""
        with self._lock:
            waiting, self._process = self._process, None
        if waiting is not None:
            waiting.close()


KEPT = KeptTrainer()


def _line(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _arguments(events: int, orders: int) -> list[str]:
    return [
        *(sys.executable, "-m", "training.engine", "serve"),
        *("--events-fd", str(events), "--orders-fd", str(orders)),
        *("--idle-seconds", str(settings.TRAINER_IDLE_SECONDS)),
        *("--most-runs", str(settings.TRAINER_MAX_RUNS)),
    ]


def trainer_environment(*, project: Path) -> dict[str, str]:
    """What the trainer inherits: paths, thread counts and proxies, but no secret of the hub."""
    hidden = ("DATABASE_URL", "VALKEY_URL", "STORAGE_URL", "AWS_", "ATELIER_", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    path = os.pathsep.join(part for part in (str(project), kept.get("PYTHONPATH", "")) if part)
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}


def die_with_parent() -> Callable[[], None]:
    """For a child to run first: it ends when the thread of ours that starts it does."""
    parent = os.getpid()

    def prepare() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return prepare
