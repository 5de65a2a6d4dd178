"""One child process: tied to our life, in a session of its own, its lines in a log file."""

import asyncio
import contextlib
import ctypes
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.embedded.accounts import Account
from hub.embedded.console import Console
from hub.embedded.liveness import start_ticks

PR_SET_PDEATHSIG = 1  # prctl(2)
LAST_LINES = 15
LOG_MAX_BYTES = 4 * 1024**2
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Command:
    """A program of the site: how it is started, how it is asked to end, how long that may take."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    echo: bool = True
    routine: re.Pattern[str] | None = None  # lines of daily work: in the log file only


class Child:
    """A running command."""

    def __init__(self, command: Command, *, log: Path, console: Console) -> None:
        self.command = command
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._log_path = log
        self._console = console
        self._rest = b""

    async def start(self) -> None:
        """Start it. Must run in the main thread: the death signal follows the starting thread."""
        if self._log_path.exists() and self._log_path.stat().st_size > LOG_MAX_BYTES:
            self._log_path.replace(self._log_path.with_suffix(".log.1"))
        self._log = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        reading, writing = os.pipe()
        try:
            account = self.command.account
            self._process = await asyncio.create_subprocess_exec(
                *self.command.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                env=dict(self.command.env),
                cwd=self.command.cwd,
                start_new_session=True,
                preexec_fn=_die_with_parent(self.command.stop_signal),
                **(account.popen_arguments() if account else {}),
            )
        except BaseException:
            os.close(reading)
            os.close(self._log)
            raise
        finally:
            os.close(writing)
        self._reading = reading
        os.set_blocking(reading, False)
        asyncio.get_running_loop().add_reader(reading, self._read)

    @property
    def pid(self) -> int:
        """Process number; also the number of its session and group."""
        return self._process.pid

    @property
    def start_ticks(self) -> int:
        """When it was started, in clock ticks since boot; 0 if it has ended already."""
        return start_ticks(self.pid) or 0

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Wait for its end; return the exit code, negative for a signal."""
        code = await self._process.wait()
        self._close()
        return code

    async def stop(self) -> int:
        """Ask it to end, wait as long as its command allows, then kill it with its group."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(self.command.stop_signal)
        try:
            return await asyncio.wait_for(self.wait(), self.command.stop_seconds)
        except TimeoutError:
            self.kill()
            return await self.wait()

    def kill(self) -> None:
        """End it and its group at once."""
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def _read(self) -> None:
        try:
            data = os.read(self._reading, 65536)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(self._reading)
            return
        with contextlib.suppress(OSError):  # a full disk costs lines of the log, not the process
            os.write(self._log, data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for raw in lines:
            text = raw.decode(errors="replace").rstrip("\r")
            self.last_lines.append(text)
            if self.command.echo and not self._is_routine(text):
                self._console.line(self.command.name, text)

    def _is_routine(self, text: str) -> bool:
        return self.command.routine is not None and bool(self.command.routine.search(text))

    def _close(self) -> None:
        if self._reading < 0:
            return
        self._read()
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)
        os.close(self._log)
        self._reading = -1


def _die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return the step before exec that has the kernel signal the child when we end."""
    parent = os.getpid()

    def tie() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # we ended between fork and prctl
            os._exit(1)

    return tie


def stop_when_parent_ends() -> None:
    """Have the kernel interrupt ourselves when the process that started us ends."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
