"""Outlives a runner that was killed, and ends what the runner left behind.

Started as `python -m hub.embedded.guard RUN_ID GRACE_SECONDS [TEMPORARY_FOLDER]`. On standard input
the runner tells the processes it starts, one `pid start_ticks` a line. When that ends, however the
runner ended, its processes have got their signal from the kernel (see `process.py`); those that
still live after the grace time are killed, and so is every process that carries the run's mark.
"""

import os
import shutil
import signal
import sys
import time

from hub.embedded.liveness import is_alive, marked

POLL_SECONDS = 0.05


def main(run_id: str, grace_seconds: float, temporary: list[str]) -> None:
    """Wait for the runner's end, then sweep."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    told: dict[int, int] = {}
    for line in sys.stdin:
        pid, ticks = line.split()
        told[int(pid)] = int(ticks)
    sweep(run_id, told, grace_seconds)
    for folder in temporary:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(run_id: str, told: dict[int, int], grace_seconds: float) -> None:
    """Return when no process of the run lives; kills those that outstay the grace time."""
    deadline = time.monotonic() + grace_seconds
    while left := left_over(run_id, told):
        if time.monotonic() > deadline:
            for pid in left:
                kill(pid)
        time.sleep(POLL_SECONDS)


def left_over(run_id: str, told: dict[int, int]) -> dict[int, int]:
    """Living processes of the run: those the runner named, and those that carry its mark."""
    living = {pid: ticks for pid, ticks in told.items() if is_alive(pid, ticks)}
    return living | marked(run_id)


def kill(pid: int) -> None:
    """End a process at once; one that has just ended is fine."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
