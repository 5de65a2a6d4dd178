"""The events of a run folder: append-only, numbered, whole lines. Torch-free."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

from training.engine.events import (
    Checkpointed,
    Event,
    Failed,
    Finished,
    Listener,
    Previewed,
    Stepped,
    Validated,
)
from training.engine.events import event_from_dict as event_of


class Journal:
    """Writes each event to events.jsonl, then hands it to the listener.

    After a kill it knows what was already told, so that a repeated step, file or picture is not
    told twice: the repetition is exact, and the first telling still holds. Threads may tell at the
    same time; the listener hears one event after the other.
    """

    def __init__(self, path: Path, listener: Listener, *, replay_after: int | None = None) -> None:
        self.path = path
        self._listener = listener
        self._telling = threading.RLock()
        self.last_sequence = 0
        self.last_step = 0
        self.validated: set[int] = set()  # steps after which the held-out pictures were measured
        self.told: dict[str, int] = {}  # files and pictures by path, with their step
        self.finished: Finished | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        for event in self._read():
            self._remember(event)
            if replay_after is not None and event.sequence > replay_after:
                listener.on_event(event)
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def emit(self, event: Event) -> None:
        """Number, store and hand over an event, unless it was already told before a kill."""
        if isinstance(event, Stepped) and event.step <= self.last_step:
            return
        with self._telling:
            numbered = replace(event, sequence=self.last_sequence + 1, at=round(time.time(), 3))
            line = json.dumps(numbered.to_dict(), ensure_ascii=False, allow_nan=False)
            self._append(f"{line}\n".encode())
            self._remember(numbered)
            self._listener.on_event(numbered)

    def emit_failure(self, failed: Failed) -> None:
        """Emit the last word of a run; where the disk takes no line, say it without a number."""
        try:
            self.emit(failed)
        except OSError:
            self._listener.on_event(replace(failed, at=round(time.time(), 3)))

    def has_told(self, path: str, step: int) -> bool:
        """Tell whether a file or picture of this step was already told."""
        return self.told.get(path) == step

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _append(self, line: bytes) -> None:
        """Write a line whole or not at all: half a line would spoil the next one."""
        before = os.fstat(self._fd).st_size
        if os.write(self._fd, line) < len(line):
            os.ftruncate(self._fd, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def _remember(self, event: Event) -> None:
        self.last_sequence = event.sequence
        if isinstance(event, Stepped):
            self.last_step = max(self.last_step, event.step)
        elif isinstance(event, Checkpointed | Previewed):
            self.told[event.path] = event.step
        elif isinstance(event, Validated):
            self.validated.add(event.step)
        elif isinstance(event, Finished):
            self.finished = event

    def _read(self) -> list[Event]:
        """Return the stored events and cut off a line that a kill left unfinished."""
        if not self.path.exists():
            return []
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self.path.open("rb+") as file:
                file.truncate(whole)
        return [event_of(json.loads(line)) for line in data[:whole].splitlines() if line]
