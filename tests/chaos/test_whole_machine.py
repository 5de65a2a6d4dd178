"""A life of the one-command machine: it starts, each of its processes is killed, and it stops.

Nothing is lost or doubled. One test walks through it all, since each start costs seconds. The order
and the moments come from a seeded generator and from what is observed, never from a clock. More
seeds, and the time that each kind takes to come back: `make chaos`.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.machine import KINDS, PATIENCE_SECONDS, STEPS, Machine, timed
from tests.chaos.visitor import Visitor
from tests.hub.embedded.processes import descendants, wait_until, wait_until_gone

logger = logging.getLogger(__name__)
pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

SEEDS = [int(word) for word in os.environ.get("ATELIER_CHAOS_SEEDS", "20261123").split(",")]
IS_MEASURED = "ATELIER_CHAOS_SEEDS" in os.environ


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="atelier-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Machine]]:
    machines: list[Machine] = []

    def begin(port: str = "0") -> Machine:
        machines.append(Machine(home, port))
        return machines[-1]

    yield begin
    for machine in machines:
        machine.end(signal.SIGKILL)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_killed_during_a_run_it_ends_once_and_is_published_once(
    start: Callable[..., Machine], seed: int
) -> None:
    """Runs come to their natural end; where one is over early, the next takes the other kills."""
    machine, chance = start(), random.Random(seed)
    machine.wait_until_up()
    shows_the_password_once(machine)
    is_alone_in_its_folder(machine, start)
    left, again = chance.sample(KINDS, len(KINDS)), 0
    job_id, _number = machine.first.ask("begin")
    while True:
        with Visitor(machine, job_id) as visitor:
            kill_while_it_runs(machine, visitor, job_id, left, chance)
            over = partial(is_over, machine, job_id)
            wait_until(over, "the run to end", seconds=PATIENCE_SECONDS)
            wait_until_whole(machine, visitor)
            if not left:
                publish_at_once(machine, job_id)
            found = machine.first.ask("facts", job_id)
            told = partial(has_told, visitor, found["events"][-1][0])
            wait_until(told, "the page to show the end", seconds=PATIENCE_SECONDS)
        assert_ended_once(found, visitor)
        again += found["job"][3] - 1
        job_id, _number = machine.first.ask("again", job_id)
        if not left:
            break
    assert again >= 1  # the trainer and its worker were killed
    assert_published_once(found)
    assert found["store"] == {"strays": [], "lost": []}
    go_on_after_the_runner_is_killed(machine, start, job_id)


def kill_while_it_runs(
    machine: Machine, visitor: Visitor, job_id: str, left: list[str], chance: random.Random
) -> None:
    """Kill the kinds that are left, one after another, until the run is over.

    Measured, each comes back before the next.
    """
    while left and wait_for_progress(machine, job_id, chance.randint(1, 8)):
        kind = left.pop()
        before = len(machine.pids().get(kind, []))
        pid = machine.kill(kind, chance)

        def replaced(kind: str = kind, pid: int = pid, before: int = before) -> bool:
            found = machine.pids().get(kind, [])
            enough = 1 if kind == "PostgreSQL connection" else before
            return pid not in found and len(found) >= enough

        if IS_MEASURED or chance.random() < 0.5:
            back = timed(replaced, f"a new {kind}")
            page = timed(lambda: visitor.sees("/runs/"), "the pages")
            on = timed(lambda: wait_for_progress(machine, job_id, 1) or True, "the run to go on")
            logger.info("%s: back %.1f s, pages +%.1f s, run +%.1f s", kind, back, page, on)


def wait_until_whole(machine: Machine, visitor: Visitor) -> None:
    """Every process is there; a trainer only where something trains."""
    for kind in set(KINDS) - {"trainer"}:
        wait_until(lambda kind=kind: kind in machine.pids(), kind, seconds=PATIENCE_SECONDS)
    wait_until(lambda: visitor.sees("/runs/"), "the pages", seconds=PATIENCE_SECONDS)


def has_told(visitor: Visitor, sequence: int) -> bool:
    return visitor.last() >= sequence


def step_of(machine: Machine, job_id: str) -> int:
    row = machine.query("select step from jobs_job where id = %s", job_id)
    return row[0] if row else 0


def wait_for_progress(machine: Machine, job_id: str, steps: int) -> bool:
    """Wait until the run has made so many more steps; False when it is over before."""
    seen: list[int] = []
    ended: list[str] = []

    def progressed() -> bool:
        assert machine.process.poll() is None, machine.text[-8000:]
        row = machine.query("select step, state from jobs_job where id = %s", job_id)
        if row is None:
            return False
        assert row[1] in ("queued", "running", "succeeded"), machine.text[-8000:]
        if row[1] == "succeeded":
            ended.append(row[1])
        seen.append(row[0])
        return bool(ended) or row[0] >= seen[0] + steps

    wait_until(progressed, f"{steps} more steps", seconds=PATIENCE_SECONDS)
    return not ended


def is_over(machine: Machine, job_id: str) -> bool:
    row = machine.query("select state from jobs_job where id = %s", job_id)
    assert machine.process.poll() is None, machine.text[-8000:]
    return bool(row) and row[0] in ("succeeded", "failed", "canceled")


def publish_at_once(machine: Machine, job_id: str) -> None:
    """Two people press the button together; one's process dies when the draft is there."""
    people = [machine.person(), machine.first]
    for person in people:
        assert person.ask("ready", job_id).startswith("ready")
    for person in people:
        person.say("publish", job_id)
    drafts = "select count(*) from jobs_jobpublication where job_id = %s"
    wait_until(lambda: machine.query(drafts, job_id) == (1,), "a draft", seconds=PATIENCE_SECONDS)
    people[0].leave()
    assert people[1].hear()["version"]


def assert_ended_once(found: dict[str, Any], visitor: Visitor) -> None:
    state, reason, step, _attempt, message = found["job"]
    assert (state, reason, step) == ("succeeded", "completed", STEPS), message
    numbers = [sequence for sequence, _kind, _data in found["events"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [message["sequence"] for message in visitor.told] == numbers
    states = [data["state"] for _, kind, data in found["events"] if kind == "state"]
    assert states.count("succeeded") == 1
    steps = [data["step"] for _, kind, data in found["events"] if kind == "stepped"]
    assert steps == sorted(set(steps))
    assert steps[-1] == step
    final = [row for row in found["artifacts"] if row[3]]
    assert [(kind, at) for kind, _name, at, _final in final] == [("checkpoint", step)]
    told = [data["name"] for _, kind, data in found["events"] if kind == "artifact"]
    kept = [name for kind, name, _, _ in found["artifacts"] if kind in ("checkpoint", "sample")]
    assert sorted(told) == sorted(set(told)) == sorted(kept)


def assert_published_once(found: dict[str, Any]) -> None:
    assert [status for _pk, status in found["versions"]] == ["Published"]
    assert found["publications"] == 1
    assert [count for _pk, count in found["posts"]] == [2]  # one post with both samples
    assert [kind for _, kind, _ in found["events"]].count("published") == 1


def shows_the_password_once(machine: Machine) -> None:
    """At the first start; afterwards it says where it is kept, for the owner's eyes."""
    kept = machine.home / "secrets" / "admin_password"
    assert f"with the password {kept.read_text().strip()}" in machine.text
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def is_alone_in_its_folder(machine: Machine, start: Callable[..., Machine]) -> None:
    second = start()
    assert second.process.wait(PATIENCE_SECONDS) == 1
    second.end(signal.SIGKILL)
    assert f"in use by process {machine.process.pid}" in second.text


def go_on_after_the_runner_is_killed(
    machine: Machine, start: Callable[..., Machine], job_id: str
) -> None:
    """Nothing of it is left, its trainer included; the next start goes on with the run."""
    assert wait_for_progress(machine, job_id, 2)
    below = descendants(machine.process.pid)
    reached = step_of(machine, job_id)
    assert machine.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until_gone(below)

    again = start(port=machine.url.rpartition(":")[2])
    again.wait_until_up()
    assert again.url == machine.url
    assert "with the password" not in again.text
    assert "secrets/admin_password" in again.text
    wait_until(
        lambda: step_of(again, job_id) > reached, "the run to go on", seconds=PATIENCE_SECONDS
    )

    below = descendants(again.process.pid)
    assert again.end(signal.SIGINT) == 0
    assert again.text.rstrip().endswith("Everything has stopped.")
    wait_until_gone(below)
