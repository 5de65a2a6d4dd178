"""The trainer process: started in a session of its own, tied to our life, driven by lines.

Events come as JSON lines on a pipe of their own, so that nothing a library prints can mix with
them. If this process dies, the trainer gets SIGTERM from the kernel and the end of its standard
input; both make it save its state and leave.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from training.engine.events import Event, event_from_dict
from training.worker.staging import Staged

PR_SET_PDEATHSIG = 1  # prctl(2)
LAST_LINES = 20
LOG_TAIL_BYTES = 16_384
QUEUE_LINES = 10_000
_libc = ctypes.CDLL(None, use_errno=True)


class Trainer:
    """A running engine. Start it in the main thread: its death signal follows that thread."""

    def __init__(
        self, staged: Staged, *, lock_descriptor: int, environment: Mapping[str, str]
    ) -> None:
        self._process: subprocess.Popen[bytes]
        reading, writing = os.pipe()
        self._log_path = staged.folder.log
        try:
            with self._log_path.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603  our own program, no shell
                    _arguments(staged, writing),
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=dict(environment),
                    cwd=staged.folder.root,
                    start_new_session=True,
                    pass_fds=(writing, lock_descriptor),
                    preexec_fn=die_with_parent(),  # noqa: PLW1509  only async-signal-safe calls
                )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._lines: queue.Queue[bytes | None] = queue.Queue(QUEUE_LINES)
        self._reader = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process number, also that of its group."""
        return self._process.pid

    def next_event(self, *, timeout_seconds: float) -> Event | None:
        """The next event, or None when none came in time. Raises EOFError after the last one."""
        try:
            line = self._lines.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)
            raise EOFError
        return event_from_dict(json.loads(line))

    def command(self, word: str) -> None:
        """Ask for something; a trainer that is ending does not hear it."""
        stdin = self._process.stdin
        with suppress(BrokenPipeError, ValueError):
            if stdin is not None:
                stdin.write(json.dumps({"command": word}).encode() + b"\n")
                stdin.flush()

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
        with suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def last_lines(self) -> tuple[str, ...]:
        """The end of what the trainer printed."""
        with self._log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            text = log.read().decode("utf-8", "replace")
        return tuple(deque(text.splitlines(), maxlen=LAST_LINES))

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    self._lines.put(line)
        self._lines.put(None)


def _arguments(staged: Staged, descriptor: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "training.engine",
        "train",
        str(staged.folder.config),
        "--run-dir",
        str(staged.folder.run),
        "--cache-dir",
        str(staged.cache_dir),
        "--resume",
        "--events-fd",
        str(descriptor),
        "--replay-after",
        str(staged.replay_after),
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
