"""The runner's side of the guard: starts it, and tells it every process of the run."""

import contextlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hub.embedded.config import PROJECT_DIR


class Guard:
    """A guard process, see `hub.embedded.guard`. It ends by itself once the run has ended."""

    def __init__(self, run_id: str, *, lock_fd: int, grace_seconds: float) -> None:
        self.run_id = run_id
        self._lock_fd = lock_fd
        self._grace_seconds = grace_seconds

    def start(self, temporary: Sequence[Path] = ()) -> None:
        """Start it. It inherits the lock, so that the folder stays held while it sweeps."""
        self._temporary = tuple(temporary)
        arguments = [self.run_id, str(self._grace_seconds), *map(str, temporary)]
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "hub.embedded.guard", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=PROJECT_DIR,
            text=True,
            start_new_session=True,
            pass_fds=[self._lock_fd] if self._lock_fd >= 0 else [],
        )

    @property
    def is_alive(self) -> bool:
        """Whether it still watches."""
        return self._process.poll() is None

    def start_again(self, told: Mapping[int, int]) -> None:
        """Replace one that was killed and name the processes of the run to the new one."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self.start(self._temporary)
        for pid, ticks in told.items():
            self.tell(pid, ticks)

    def tell(self, pid: int, ticks: int) -> None:
        """Name a process of the run."""
        if self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):  # killed: the kernel's death signals remain
            self._process.stdin.write(f"{pid} {ticks}\n")
            self._process.stdin.flush()

    def end(self) -> None:
        """Let it sweep and end."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()
