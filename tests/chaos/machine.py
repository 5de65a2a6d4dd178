"""The one-command machine as a test sees it: its processes by kind, and its database."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from hub.embedded.liveness import MARK, start_ticks
from tests.hub.embedded.processes import descendants, wait_until

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300.0  # an upper bound for a busy machine; nothing waits longer than it must
STEPS = 100  # of a run; a machine that trains fast needs several runs for all the kills
NOT_INHERITED = ("DATABASE_URL", "VALKEY_URL", "STORAGE_URL", "DJANGO_SETTINGS_MODULE")
KINDS = (
    *("web", "cpu worker", "cpu worker's child", "gpu worker", "trainer", "clock"),
    *("PostgreSQL", "PostgreSQL connection", "Valkey", "guard"),
)


@dataclass(frozen=True)
class Process:
    """A process of the machine."""

    pid: int
    parent: int
    argv: tuple[str, ...]

    def kind(self, runner: int, kinds: dict[int, str]) -> str:
        """What it is; `kinds` knows its parent's."""
        words = set(self.argv)
        if self.parent != runner:
            below = {
                "cpu worker": "cpu worker's child",
                "gpu worker": "trainer" if "training.engine" in words else "",
                "PostgreSQL": "PostgreSQL connection" if "app atelier" in self.argv[0] else "",
            }
            return below.get(kinds.get(self.parent, ""), "")
        program = Path(self.argv[0]).name
        if program == "postgres":
            return "PostgreSQL"
        if program in ("valkey-server", "redis-server") or "valkey-server" in self.argv[0]:
            return "Valkey"
        marks = {"uvicorn": "web", "beat": "clock", "hub.embedded.guard": "guard"}
        marks |= {"cpu": "cpu worker", "gpu": "gpu worker"}
        return next((kind for word, kind in marks.items() if word in words), "")


class Person:
    """A process that asks things of the machine; see machine_driver."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.chaos.machine_driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            env=environment,
            text=True,
        )

    def say(self, *words: str) -> None:
        """Ask, and do not wait."""
        assert self.process.stdin
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """The answer."""
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def ask(self, *words: str) -> Any:
        """Both."""
        self.say(*words)
        return self.hear()

    def leave(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


class Machine:
    """One `python -m hub.embedded` on a data folder."""

    def __init__(self, home: Path, port: str = "0") -> None:
        env = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        env |= {"ATELIER_HOME": str(home), "HOST": "127.0.0.1", "PORT": port, "ATELIER_DEMO": "0"}
        env |= {"ATELIER_ENV": "development", "ATELIER_QUEUE_POLL_SECONDS": "3"}
        self.home = home
        self.text = ""
        self._people: list[Person] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub.embedded"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            env={**env, "OMP_NUM_THREADS": "1"},
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.text += line

    def wait_until_up(self) -> None:
        def up() -> bool:
            assert self.process.poll() is None, self.text
            return "Press Ctrl-C to stop." in self.text

        wait_until(up, "the machine to be up", seconds=PATIENCE_SECONDS)
        found = re.search(r"Atelier is running at (\S+)/", self.text)
        assert found
        self.url = found[1]
        self.environment = _environment_of(self.pids()["web"][0])

    def end(self, number: signal.Signals) -> int:
        """Signal the runner; its exit code. People leave before."""
        while self._people:
            self._people.pop().leave()
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join()
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def pids(self) -> dict[str, list[int]]:
        """Living processes by kind."""
        runner = self.process.pid
        kinds: dict[int, str] = {}
        found: dict[str, list[int]] = {}
        for one in sorted(_below(runner), key=lambda process: process.parent != runner):
            kind = kinds[one.pid] = one.kind(runner, kinds)
            found.setdefault(kind, []).append(one.pid)
        return found

    def query(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        """One row on a connection of its own; None while the database is away."""
        url = self.environment["DATABASE_URL"]
        with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=10) as link:
            return link.execute(statement, values).fetchone()
        return None

    def person(self) -> Person:
        """Somebody more who asks things of the machine."""
        self._people.append(Person(self.environment))
        return self._people[-1]

    @property
    def first(self) -> Person:
        """The one who has been here from the beginning."""
        return self._people[0] if self._people else self.person()

    def kill(self, kind: str, chance: random.Random) -> int:
        """kill -9 one process of a kind, once there is one; its number."""
        found: list[int] = []

        def struck() -> bool:
            found[:] = sorted(self.pids().get(kind, ()))
            if not found:
                return False
            found[0] = chance.choice(found)
            with suppress(ProcessLookupError):
                os.kill(found[0], signal.SIGKILL)
                return True
            return False

        wait_until(struck, f"a {kind} to kill", seconds=PATIENCE_SECONDS)
        return found[0]


def timed(holds: Callable[[], bool], what: str) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    wait_until(holds, what, seconds=PATIENCE_SECONDS)
    return time.monotonic() - began


def _below(runner: int) -> list[Process]:
    found = []
    for pid in descendants(runner):
        with suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            if start_ticks(pid) is not None and argv:
                found.append(Process(pid, int(stat[1]), tuple(argv.rstrip("\0").split("\0"))))
    return found


def _environment_of(pid: int) -> dict[str, str]:
    """What the machine tells its own processes, without the mark by which it finds them again."""
    raw = Path(f"/proc/{pid}/environ").read_bytes().decode().rstrip("\0").split("\0")
    found = dict(entry.split("=", 1) for entry in raw)
    found.pop(MARK)
    return {**found, "DJANGO_SETTINGS_MODULE": "hub.settings"}
