"""kill -9 of a runner leaves no process, no socket folder, and data that opens again."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from hub.embedded.config import PROJECT_DIR
from tests.hub.embedded.processes import descendants, wait_until, wait_until_gone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "services"
    for path in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        path.chmod(0o711)  # PostgreSQL's account must pass through when we are root
    return folder


@pytest.fixture
def start_services(folder: Path):
    running: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], dict[str, str]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub.embedded.services", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT_DIR,
            text=True,
        )
        running.append(process)
        return process, json.loads(process.stdout.readline())

    yield start
    for process in running:
        process.communicate(timeout=120)


def test_the_services_are_gone_after_kill_9(start_services, folder: Path) -> None:
    process, urls = start_services()
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        connection.execute("select pg_sleep(0)")
    below = descendants(process.pid)
    assert len(below) > 5  # guard, valkey, postgres and its own processes
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until_gone(below)
    wait_until(lambda: not folder.exists(), "the guard to remove the folder")


def test_the_services_are_gone_when_their_input_ends(start_services, folder: Path) -> None:
    process, _ = start_services()
    below = descendants(process.pid)
    process.communicate(timeout=120)
    assert process.returncode == 0
    wait_until_gone(below)
    assert not folder.exists()


def test_a_killed_postgres_comes_back_under_the_same_address(start_services, folder: Path) -> None:
    _, urls = start_services()
    data = next(folder.glob("postgres/*/data"))
    postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)

    def answers() -> bool:
        try:
            with psycopg.connect(urls["DATABASE_URL"]) as connection:
                return connection.execute("select 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def replaced() -> bool:
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return bool(lines) and int(lines[0]) != postmaster

    wait_until(lambda: replaced() and answers(), "PostgreSQL to come back")


# A runner whose part has started a process in a session of its own and then ignores every request.
RUNNER = """
import asyncio, os, sys
from pathlib import Path
from hub.embedded.console import Console
from hub.embedded.liveness import MARK
from hub.embedded.process import Command
from hub.embedded.supervisor import Part, Supervisor
from hub.embedded.watch import Guard

folder = Path(sys.argv[1])
guard = Guard("test-of-the-guard", lock_fd=-1, grace_seconds=0.3)
guard.start()
supervisor = Supervisor(logs=folder, console=Console(), guard=guard)
argv = (sys.executable, "-c", sys.argv[2])
env = {**os.environ, MARK: guard.run_id}
part = Part(Command(name="worker", argv=argv, env=env, cwd=folder))
asyncio.run(supervisor.run(supervisor.start(part)))
"""
STUBBORN_LEAVER = """
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "600"], start_new_session=True)
print("both run", flush=True)
while True: signal.pause()
"""


def guards(below: dict[int, int]) -> set[int]:
    """Those of the processes that are guards."""
    found = set()
    for pid in below:
        with contextlib.suppress(OSError):
            if b"hub.embedded.guard" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def test_a_guard_that_was_killed_is_replaced_by_one_that_knows_as_much(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(tmp_path), STUBBORN_LEAVER],
        stdout=subprocess.PIPE,
        cwd=PROJECT_DIR,
        text=True,
    ) as runner:
        assert "both run" in runner.stdout.readline()
        (first,) = guards(descendants(runner.pid))
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: guards(descendants(runner.pid)) - {first}, "another guard")
        below = descendants(runner.pid)
        runner.send_signal(signal.SIGKILL)
    wait_until_gone(below)


def test_the_guard_ends_what_ignores_the_kernel_and_what_hides_in_a_session_of_its_own(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(tmp_path), STUBBORN_LEAVER],
        stdout=subprocess.PIPE,
        cwd=PROJECT_DIR,
        text=True,
    ) as runner:
        assert "both run" in runner.stdout.readline()
        below = descendants(runner.pid)
        assert len(below) == 3  # guard, worker, and the process that the worker left
        runner.send_signal(signal.SIGKILL)
    wait_until_gone(below)
