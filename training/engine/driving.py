"""How a run is driven as a process: events out, commands and signals in."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import deque
from typing import IO, Any

from training.engine.events import (
    COMMANDS,
    Checkpointed,
    Command,
    Event,
    LeavingCommand,
    Listener,
    Previewed,
    Stage,
    Started,
    Stepped,
    Suspended,
    Validated,
    Warned,
)

READ_BYTES = 4096
EXIT_CODES = {"completed": 0, "stopped": 0, "cancelled": 3, "paused": 143}
EXIT_FAILED = 1
EXIT_USAGE = 2
WARNINGS = {  # how a warning begins, where it says what becomes of a file
    "picture_skipped": "left out",
    "caption_skipped": "caption left out",
    "pictures_converted": "converted",
}


class SignalControl:
    """Pauses the run on SIGTERM and SIGINT."""

    def __init__(self) -> None:
        self._signalled = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    @property
    def leaving(self) -> LeavingCommand | None:
        """Return pause where a signal came, or the parent is gone."""
        return "pause" if self._signalled.is_set() else None

    def command(self) -> Command | None:
        """Return pause after a signal."""
        return "pause" if self._signalled.is_set() else None

    def _on_signal(self, _number: int, _frame: Any) -> None:
        self._signalled.set()


class WaitingCommands:
    """Commands that came and were not taken yet, in order; threads may use it at the same time."""

    def __init__(self) -> None:
        self._waiting: deque[Command] = deque()
        self._lock = threading.Lock()

    def put(self, command: Command) -> None:
        """Add one at the end."""
        with self._lock:
            self._waiting.append(command)

    def take(self) -> Command | None:
        """Return the first one, which waits no more; None where none waits."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    @property
    def leaving(self) -> LeavingCommand | None:
        """Return the first one that ends a run without a result; it goes on waiting."""
        with self._lock:
            return next((word for word in self._waiting if word in ("pause", "cancel")), None)


class ParentControl(SignalControl):
    """Takes commands as JSON lines from a parent; its end pauses the run."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._commands = WaitingCommands()
        threading.Thread(target=self._read, args=(descriptor,), daemon=True).start()

    def command(self) -> Command | None:
        """Return the next command, or pause after a signal or the parent's end."""
        return "pause" if self._signalled.is_set() else self._commands.take()

    @property
    def leaving(self) -> LeavingCommand | None:
        """Return pause after a signal or the parent's end, or what was asked for and ends a run."""
        return "pause" if self._signalled.is_set() else self._commands.leaving

    def _read(self, descriptor: int) -> None:
        # The bare descriptor: a buffered stream would hold its lock when the program ends.
        rest = b""
        while data := os.read(descriptor, READ_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                command = command_in(line)
                if command is not None:
                    self._commands.put(command)
        self._signalled.set()


def command_in(line: bytes) -> Command | None:
    """Return the command that a line gives, None where it gives none."""
    try:
        word = json.loads(line).get("command")
    except (ValueError, AttributeError):
        return None
    return word if word in COMMANDS else None


class PipeListener:
    """Writes events as JSON lines to a file descriptor.

    When nobody reads any more the run is not lost: events stay in the run folder, and the end of
    standard input pauses the run.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._open = True

    def on_event(self, event: Event) -> None:
        """Write one event."""
        self.tell(event.to_dict())

    def tell(self, values: dict[str, Any]) -> None:
        """Write one line."""
        data = (json.dumps(values, ensure_ascii=False) + "\n").encode()
        while self._open and data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BrokenPipeError:
                self._open = False


def event_pipe(descriptor: int) -> Listener:
    """Return a listener on a descriptor; what libraries print then goes to standard error."""
    kept = os.dup(descriptor)
    if descriptor == 1:
        os.dup2(2, 1)
    return PipeListener(kept)


class TextListener:
    """Tells a run in words, for a person at a terminal."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.last: Event | None = None

    def on_event(self, event: Event) -> None:
        """Print one line; steps overwrite each other on a terminal."""
        self.last = event
        text = _sentence(event)
        if not text:
            return
        same_line = isinstance(event, Stepped) and self._stream.isatty()
        self._stream.write(f"\r{text}\x1b[K" if same_line else f"{text}\n")
        self._stream.flush()


def _sentence(event: Event) -> str:
    if isinstance(event, Stepped):
        rates = ", ".join(f"{rate:.2e}" for rate in event.learning_rates.values())
        return (
            f"step {event.step}/{event.total_steps}  epoch {event.epoch}  loss {event.loss:.4f}  "
            f"rate {rates}  {event.steps_per_second:.2f} it/s  {event.eta_seconds:.0f} s left"
        )
    if isinstance(event, Started):
        table = ", ".join(f"{size} {count}" for size, count in event.buckets.items())
        epochs = "1 epoch" if event.epochs == 1 else f"{event.epochs} epochs"
        return (
            f"{event.method}: {event.images} pictures, {event.total_steps} steps in {epochs}, "
            f"{event.trainable_parameters:,} parameters, {event.device} {event.precision}, "
            f"about {event.memory_estimate / 2**30:.1f} GiB\nbuckets: {table}"
        )
    if isinstance(event, Stage):
        count = f" {event.done}/{event.total}" if event.total else ""
        return f"{event.stage.replace('_', ' ')}{count} {event.detail}".rstrip()
    if isinstance(event, Validated):
        return f"held-out loss {event.loss:.4f} of {event.images} pictures at step {event.step}"
    if isinstance(event, Warned):
        return f"{WARNINGS.get(event.code, 'warning')}: {event.message}"
    if isinstance(event, Checkpointed | Previewed):
        return f"wrote {event.path}"
    if isinstance(event, Suspended):
        return f"{event.reason} at step {event.step}"
    return getattr(event, "message", "") or f"{event.kind}"
