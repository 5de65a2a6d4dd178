"""Work beside the steps: files are written and samples drawn while the training goes on.

A lane is a thread that does one thing at a time. Who brings it the next thing waits until the last
one is done, so that at most one copy of the weights is held for each lane.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from training.engine.machine.memory import free_memory

SHARE_OF_MEMORY = 0.25
"""What copies for the work beside the steps may take of the memory that is free."""


def fits_beside(copied_bytes: int, device: str, *, free: int | None = None) -> bool:
    """Tell whether a copy is small enough to be made so that the steps need not wait.

    `free` is the free memory of the device in bytes, looked up where it is not given; where nobody
    knows it, nothing fits.
    """
    known = free_memory(device) if free is None else free
    return copied_bytes <= SHARE_OF_MEMORY * known


class Lane:
    """A thread that does one thing after the other; what goes wrong there is raised here."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._work: Future[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Tell whether something is under way."""
        return self._work is not None and not self._work.done()

    @property
    def under_way(self) -> Future[None] | None:
        """Return what is under way, or was last and is not settled yet."""
        return self._work

    def start(self, work: Callable[[], None]) -> Future[None]:
        """Begin something; waits for what was begun before, and raises what went wrong in it."""
        self.settle()
        if self._pool is None:  # numbers next to zero are zero here too: the mark is a thread's own
            self._pool = ThreadPoolExecutor(1, self._name, torch.set_flush_denormal, (True,))
        self._work = self._pool.submit(work)
        return self._work

    def check(self) -> None:
        """Raise what went wrong in something that is over; waits for nothing."""
        if not self.is_busy:
            self.settle()

    def settle(self) -> None:
        """Wait until nothing is under way, and raise what went wrong."""
        work, self._work = self._work, None
        if work is not None:
            work.result()

    def close(self) -> None:
        """Wait until nothing is under way, and end the thread."""
        if self._pool is not None:
            self._pool.shutdown()


class Aside:
    """The two lanes of a run: its files, and its samples, which name the files by their hashes."""

    def __init__(self) -> None:
        self.files = Lane("files")
        self.samples = Lane("samples")

    @property
    def is_busy(self) -> bool:
        """Tell whether anything is under way."""
        return self.files.is_busy or self.samples.is_busy

    def check(self) -> None:
        """Raise what went wrong; waits for nothing."""
        self.files.check()
        self.samples.check()

    def settle(self) -> None:
        """Wait for both lanes, and raise what went wrong in them."""
        self.files.settle()
        self.samples.settle()

    def close(self) -> None:
        """End both threads, after what they are at; what went wrong there is not told any more."""
        self.files.close()
        self.samples.close()
