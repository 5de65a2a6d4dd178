"""One run in a trainer process: its events, the commands to it, and how it ended."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping

from training.engine.events import Event, event_from_dict
from training.worker.staging import Staged
from training.worker.trainer_process import KEPT

LAST_LINES = 20
LOG_TAIL_BYTES = 16_384
GOOD_ENDS = frozenset({0, 3, 143})  # completed or stopped, cancelled, paused: see engine/cli.py


class Trainer:
    """A run at work. Its process waits for the next run afterwards, if this one ended well."""

    def __init__(
        self, staged: Staged, *, lock_descriptor: int, environment: Mapping[str, str]
    ) -> None:
        self._log_path = staged.folder.log
        self._ended: int | None = None  # the exit code of the run
        self._is_leaving = False
        self._process = KEPT.hand_over(
            staged, lock_descriptor=lock_descriptor, environment=environment
        )

    @property
    def pid(self) -> int:
        """Process number, also that of its group."""
        return self._process.pid

    def next_event(self, *, timeout_seconds: float) -> Event | None:
        """The next event, or None when none came in time. Raises EOFError after the last one."""
        if self._ended is not None:
            raise EOFError
        told = self._process.next_line(timeout_seconds=timeout_seconds)
        if told is None or "taken" in told:
            return None
        if "ended" in told:
            self._ended = int(told["ended"])
            raise EOFError
        return event_from_dict(told)

    def command(self, word: str) -> None:
        """Ask for something; a trainer that is ending does not hear it."""
        self._process.command(word)

    def terminate(self) -> None:
        """Ask the process to save and leave."""
        self._is_leaving = True
        self._process.terminate()

    def kill(self) -> None:
        """End the process and all it started, at once."""
        self._process.kill()

    def wait(self, *, timeout_seconds: float) -> int:
        """The exit code of the run; a process that takes longer is killed."""
        end = time.monotonic() + timeout_seconds
        try:
            while self._ended is None and time.monotonic() < end:
                self.next_event(timeout_seconds=max(0.0, end - time.monotonic()))
        except EOFError:
            pass  # the end of the run, or of the process
        if self._ended is not None:
            return self._ended
        return self._process.wait(timeout_seconds=max(0.0, end - time.monotonic()))

    def close(self) -> None:
        """Leave nothing of the run behind; keep a process that has ended it well."""
        if self._ended in GOOD_ENDS and not self._is_leaving:
            KEPT.keep(self._process)
        else:
            self._process.close()

    def last_lines(self) -> tuple[str, ...]:
        """The end of what the trainer printed."""
        with self._log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            text = log.read().decode("utf-8", "replace")
        return tuple(deque(text.splitlines(), maxlen=LAST_LINES))
