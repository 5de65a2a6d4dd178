"""A process that trains one run after another, and keeps between them what the next one needs.

    python -m training.engine serve --events-fd N --orders-fd N [--idle-seconds N] [--most-runs N]

Orders are JSON lines on a socket:
- {"train": {"config", "run_dir", "cache_dir", "log", "replay_after"}} begins a run. One open file
  comes with it, which is held until the run has ended: the lock of the run's folder. What libraries
  print goes to the file `log`. It is answered by {"taken": true}.
- {"command": "save" | "stop" | "pause" | "cancel" | "sample"} is for the run at hand.
- The end of the socket, SIGTERM and SIGINT pause the run at hand and end the process.

Events are JSON lines, as of `train`; after the last one of a run comes {"ended": its exit code}.
The process itself ends, so that nothing of it reaches another run, after a run that failed, after
so many runs, and when it has had nothing to do for so long.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.config.train import TrainConfig
from training.engine.driving import (
    EXIT_CODES,
    EXIT_FAILED,
    EXIT_USAGE,
    READ_BYTES,
    PipeListener,
    WaitingCommands,
    command_in,
)
from training.engine.errors import ConfigError, EngineError
from training.engine.events import Command, LeavingCommand
from training.engine.machine.lifetime import load_torch

if TYPE_CHECKING:
    from training.engine.shelf import Shelf


@dataclass(frozen=True)
class Order:
    """A run that was asked for; `held` is a descriptor to close when it has ended."""

    config: Path
    run_dir: Path
    cache_dir: Path
    log: Path
    replay_after: int
    held: int


class Desk:
    """Takes orders from a socket in a thread of its own; the control of the run at hand."""

    def __init__(self, orders: socket.socket) -> None:
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._commands = WaitingCommands()
        self._leaving = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._leave())
        threading.Thread(target=self._read, args=(orders,), daemon=True).start()

    @property
    def is_leaving(self) -> bool:
        """Tell whether the process is to end."""
        return self._leaving.is_set()

    def next_order(self, *, timeout_seconds: float) -> Order | None:
        """Return the next order; None when none came in time, or the process is to end."""
        try:
            return self._orders.get(timeout=timeout_seconds)
        except queue.Empty:
            return None

    def command(self) -> Command | None:
        """Return the next command of the run at hand, or pause when the process is to end."""
        return "pause" if self._leaving.is_set() else self._commands.take()

    @property
    def leaving(self) -> LeavingCommand | None:
        """Return what ends the run at hand: pause when the process is to end, or a command."""
        return "pause" if self._leaving.is_set() else self._commands.leaving

    def _leave(self) -> None:
        self._leaving.set()
        self._orders.put(None)

    def _read(self, orders: socket.socket) -> None:
        rest, held = b"", []
        while True:
            data, descriptors, _, _ = socket.recv_fds(orders, READ_BYTES, 1)
            held += descriptors
            if not data:
                return self._leave()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._take(line, held)

    def _take(self, line: bytes, held: list[int]) -> None:
        given = _order_in(line)
        if given is not None:
            self._commands = WaitingCommands()  # those of the last run came too late
            self._orders.put(Order(**given, held=held.pop(0)))
            return
        command = command_in(line)
        if command is not None:
            self._commands.put(command)


def _order_in(line: bytes) -> dict[str, Any] | None:
    try:
        given = json.loads(line)["train"]
        paths = {name: Path(given[name]) for name in ("config", "run_dir", "cache_dir", "log")}
        return {**paths, "replay_after": int(given["replay_after"])}
    except (ValueError, TypeError, KeyError):
        return None


def serve(*, events_fd: int, orders_fd: int, idle_seconds: float, most_runs: int) -> int:
    """Train what is ordered until there is a reason to end; returns the exit code."""
    listener = PipeListener(events_fd)
    desk = Desk(socket.socket(fileno=orders_fd))
    shelf: Shelf | None = None
    code = 0
    for _ in range(most_runs):
        order = desk.next_order(timeout_seconds=idle_seconds)
        if order is None:
            return code
        listener.tell({"taken": True})
        _print_to(order.log)
        try:
            shelf = shelf or _new_shelf()
            code = _run(order, listener, desk, shelf)
            _tidy(shelf)
        finally:
            os.close(order.held)
        listener.tell({"ended": code})
        if code in (EXIT_FAILED, EXIT_USAGE) or desk.is_leaving:
            return code
        _print_to(Path(os.devnull))
    return code


def _new_shelf() -> Shelf:
    load_torch()
    from training.engine.shelf import Shelf

    return Shelf()


def _run(order: Order, listener: PipeListener, desk: Desk, shelf: Shelf) -> int:
    from training.engine.runs.loop import train

    try:
        result = train(
            TrainConfig.from_toml(order.config),
            run_dir=order.run_dir,
            listener=listener,
            control=desk,
            cache_dir=order.cache_dir,
            replay_after=order.replay_after,
            shelf=shelf,
        )
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED
    return EXIT_CODES[result.status]


def _tidy(shelf: Shelf) -> None:
    from training.engine.shelf import give_memory_back

    shelf.check()
    give_memory_back()


def _print_to(path: Path) -> None:
    """Let what is printed from here on go to the end of a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    with path.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
