"""Order, restarts and the end of the parts, with real processes."""

import asyncio
import io
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hub.embedded.console import Console
from hub.embedded.errors import PartFailed
from hub.embedded.liveness import MARK, is_alive, start_ticks
from hub.embedded.process import Command
from hub.embedded.supervisor import Part, Supervisor
from hub.embedded.watch import Guard

# A part that writes down when it starts and when it is asked to end.
SERVICE = """
import signal, sys
name, diary = sys.argv[1:]
def note(what):
    with open(diary, "a") as file:
        file.write(f"{what} {name}\\n")
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
note("start")
signal.sigwait([signal.SIGTERM])
note("stop")
"""
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True: signal.pause()
"""
# A part that leaves a process in a session of its own, as a worker leaves its trainer.
LEAVER = """
import signal, subprocess, sys
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
signal.pause()
"""


# A part that starts a process in its own session, as a prefork worker does.
FORKER = """
import signal, subprocess, sys
child = subprocess.Popen(["sleep", "600"])
with open(sys.argv[1], "a") as note: note.write(f"{child.pid}\\n")
signal.pause()
"""
CHATTY = """
import signal
print("daily work")
print("one line", flush=True)
signal.pause()
"""


class Bench:
    """A supervisor with a folder and a console that can be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.diary = folder / "diary"
        self.text = io.StringIO()
        self.run_id = f"test-{os.getpid()}-{folder.name}"
        self.guard = Guard(self.run_id, lock_fd=-1, grace_seconds=5)
        self.supervisor = Supervisor(
            logs=folder, console=Console(self.text), guard=self.guard, pause_seconds=0.01
        )

    def command(self, name: str, script: str, *arguments: str, **options) -> Command:
        env = {**os.environ, MARK: self.run_id}
        argv = (sys.executable, "-c", script, *arguments)
        return Command(name=name, argv=argv, env=env, cwd=self.folder, **options)

    def service(self, name: str) -> Part:
        async def started() -> bool:
            return f"start {name}\n" in self.notes()

        return Part(self.command(name, SERVICE, name, str(self.diary)), ready=started)

    def notes(self) -> str:
        return self.diary.read_text() if self.diary.exists() else ""

    def run(self, flow: Callable[[], Awaitable[None]]) -> None:
        self.guard.start()
        try:
            asyncio.run(self.supervisor.run(flow()))
        finally:
            self.guard.end()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(100):
        while not condition():
            await asyncio.sleep(0.01)


def test_parts_start_in_order_and_stop_in_reverse(bench: Bench) -> None:
    async def flow() -> None:
        for name in ("first", "second", "third"):
            await bench.supervisor.start(bench.service(name))
        os.kill(os.getpid(), signal.SIGINT)

    bench.run(flow)
    assert bench.notes().split("\n")[:-1] == [
        *("start first", "start second", "start third"),
        *("stop third", "stop second", "stop first"),
    ]


def test_a_part_that_is_killed_comes_back(bench: Bench) -> None:
    async def flow() -> None:
        await bench.supervisor.start(bench.service("web"))
        os.kill(bench.supervisor.pids()["web"], signal.SIGKILL)
        await until(lambda: bench.notes().count("start web") == 2)
        bench.supervisor.request_stop()

    bench.run(flow)
    assert bench.notes().endswith("stop web\n")
    assert "web was ended by SIGKILL; starting it again." in bench.text.getvalue()


def test_what_a_killed_part_leaves_in_its_session_is_ended_before_it_comes_back(
    bench: Bench, monkeypatch
) -> None:
    monkeypatch.setattr("hub.embedded.supervisor.SWEEP_SECONDS", 0.1)
    note = bench.folder / "pids"

    def pids() -> list[int]:
        return [int(line) for line in note.read_text().split()] if note.exists() else []

    async def flow() -> None:
        await bench.supervisor.start(Part(bench.command("worker", FORKER, str(note))))
        await until(lambda: len(pids()) == 1)
        os.kill(bench.supervisor.pids()["worker"], signal.SIGKILL)
        await until(lambda: len(pids()) == 2)
        alive.extend(start_ticks(pid) is not None for pid in pids())
        bench.supervisor.request_stop()

    alive: list[bool] = []
    bench.run(flow)
    assert alive == [False, True]


def test_a_part_stays_up_when_the_disk_takes_no_more_of_its_log(bench: Bench) -> None:
    (bench.folder / "chatty.log").symlink_to("/dev/full")

    async def flow() -> None:
        await bench.supervisor.start(
            Part(bench.command("chatty", CHATTY, routine=re.compile("daily")))
        )
        await until(lambda: "one line" in bench.text.getvalue())
        os.kill(bench.supervisor.pids()["chatty"], signal.SIGKILL)
        await until(lambda: bench.text.getvalue().count("one line") == 2)
        bench.supervisor.request_stop()

    bench.run(flow)
    assert bench.text.getvalue().count("starting it again") == 1
    assert "daily work" not in bench.text.getvalue()


def test_a_part_that_cannot_be_started_again_ends_the_run_in_order(bench: Bench) -> None:
    program = bench.folder / "program"
    program.write_text(
        f"#!{sys.executable}\nprint('ready', flush=True)\nimport signal\nsignal.pause()"
    )
    program.chmod(0o700)

    async def flow() -> None:
        await bench.supervisor.start(bench.service("first"))
        env = {**os.environ, MARK: bench.run_id}
        await bench.supervisor.start(Part(Command("lost", (str(program),), env, bench.folder)))
        await until(lambda: "ready" in bench.text.getvalue())
        program.unlink()
        os.kill(bench.supervisor.pids()["lost"], signal.SIGKILL)

    with pytest.raises(PartFailed, match="could not be started again"):
        bench.run(flow)
    assert bench.notes().endswith("stop first\n")


def test_a_part_that_never_stays_up_ends_the_run_and_is_named(bench: Bench) -> None:
    async def flow() -> None:
        await bench.supervisor.start(bench.service("first"))
        broken = bench.command("broken", "import sys; print('no disk'); sys.exit(3)", echo=False)
        await bench.supervisor.start(Part(broken))

    with pytest.raises(PartFailed, match=r"broken ended with code 3.\n.*\n  no disk"):
        bench.run(flow)
    assert bench.text.getvalue().count("starting it again") == 4
    assert bench.notes().endswith("stop first\n")


def test_a_step_that_fails_stops_what_runs_and_shows_its_last_lines(bench: Bench) -> None:
    async def flow() -> None:
        await bench.supervisor.start(bench.service("first"))
        step = bench.command("prepare", "raise SystemExit('no such table')", echo=False)
        await bench.supervisor.run_once(step)

    with pytest.raises(PartFailed, match=r"prepare ended with code 1.\n.*\n  no such table"):
        bench.run(flow)
    assert bench.notes().endswith("stop first\n")


def test_a_part_that_ends_before_it_is_ready_fails_the_start_at_once(bench: Bench) -> None:
    async def never() -> bool:
        return False

    async def flow() -> None:
        await bench.supervisor.start(Part(bench.command("broken", "exit(4)"), ready=never))

    with pytest.raises(PartFailed, match="broken ended with code 4"):
        bench.run(flow)


def test_a_second_signal_ends_a_part_that_does_not_listen(bench: Bench) -> None:
    async def flow() -> None:
        part = Part(bench.command("stubborn", STUBBORN, stop_seconds=600))
        await bench.supervisor.start(part)
        await until(lambda: "ready" in bench.text.getvalue())
        os.kill(os.getpid(), signal.SIGINT)
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, os.kill, os.getpid(), signal.SIGINT)

    bench.run(flow)
    assert "Ctrl-C again" in bench.text.getvalue()


def test_a_part_that_outstays_its_time_is_killed_and_named(bench: Bench) -> None:
    async def flow() -> None:
        await bench.supervisor.start(Part(bench.command("stubborn", STUBBORN, stop_seconds=0.2)))
        await until(lambda: "ready" in bench.text.getvalue())
        bench.supervisor.request_stop()

    bench.run(flow)
    assert "stubborn did not end in time and was killed." in bench.text.getvalue()


def test_a_process_that_a_part_left_behind_is_swept_up(bench: Bench, monkeypatch) -> None:
    monkeypatch.setattr("hub.embedded.supervisor.SWEEP_SECONDS", 0.1)
    note = bench.folder / "pid"

    async def flow() -> None:
        await bench.supervisor.start(Part(bench.command("worker", LEAVER, str(note))))
        await until(lambda: note.exists() and note.read_text() != "")
        left.append(start_ticks(int(note.read_text())) or 0)
        bench.supervisor.request_stop()

    left: list[int] = []
    bench.run(flow)
    assert left[0] > 0
    assert not is_alive(int(note.read_text()), left[0])
