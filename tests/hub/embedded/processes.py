"""What the tests of real processes share: waiting with a deadline, and who descends from whom."""

import time
from collections.abc import Callable
from pathlib import Path

from hub.embedded.liveness import is_alive, start_ticks

DEADLINE_SECONDS = 120.0  # an upper bound for a busy machine; nothing waits longer than it must


def wait_until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Poll until the condition holds; fail, saying what was waited for, after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.02)


def descendants(pid: int) -> dict[int, int]:
    """Living processes below a process, at any depth: number to start time."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown} - found
        found |= grown
    return {child: ticks for child in found if (ticks := start_ticks(child)) is not None}


def wait_until_gone(processes: dict[int, int]) -> None:
    """Wait until none of these processes lives."""

    def gone() -> bool:
        return not any(is_alive(pid, ticks) for pid, ticks in processes.items())

    wait_until(gone, f"the end of processes {sorted(processes)}")
