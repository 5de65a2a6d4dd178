"""Starts the parts in order, keeps them up, and stops them in reverse order, whatever happens."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.embedded.console import Console
from hub.embedded.errors import EmbeddedError, PartFailed
from hub.embedded.guard import kill, left_over
from hub.embedded.liveness import left_in_session
from hub.embedded.process import Child, Command
from hub.embedded.watch import Guard

Ready = Callable[[], Awaitable[bool]]
POLL_SECONDS = 0.02
STEADY_SECONDS = 30.0  # a part that lived this long failed anew, not again
MAX_FAILURES = 5
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 8.0
SWEEP_SECONDS = 5.0
NOTICE_SECONDS = 3.0
GUARD_SECONDS = 1.0


@dataclass(frozen=True)
class Part:
    """A command that is kept running; ready tells when those after it may start."""

    command: Command
    ready: Ready | None = None
    ready_seconds: float = 180.0  # a slow disk, a long recovery


class Supervisor:
    """The parts of one run. Used through `run`."""

    def __init__(
        self,
        *,
        logs: Path,
        console: Console,
        guard: Guard,
        pause_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._logs = logs
        self._console = console
        self._guard = guard
        self._pause_seconds = pause_seconds
        self._children: list[Child] = []  # in order of their start
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._killing = False
        self._failure: EmbeddedError | None = None

    async def run(self, flow: Coroutine[Any, Any, None]) -> None:
        """Run a flow that starts parts, then stay until a signal or a part that cannot be kept up.

        Raises what the flow raised, or PartFailed. Everything is stopped when it returns.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        guarding = asyncio.create_task(self._keep_guard())
        starting = asyncio.create_task(flow)
        starting.add_done_callback(self._on_flow_end)
        try:
            await self._stopping.wait()
        finally:
            self._stopping.set()
            starting.cancel()
            guarding.cancel()
            await asyncio.wait([starting, guarding])
            await self._stop_all()
        if self._failure:
            raise self._failure
        if not starting.cancelled():
            starting.result()

    async def start(self, part: Part) -> None:
        """Start a part, wait until it is ready, and keep it up from then on."""
        child = await self._spawn(part.command)
        await self._wait_ready(part, child)
        keeper = asyncio.create_task(self._keep(part, child))
        keeper.add_done_callback(self._on_keeper_end)
        self._keepers.append(keeper)

    async def run_once(self, command: Command) -> None:
        """Run a command to its end; raises PartFailed with its last lines unless it ended well."""
        child = await self._spawn(command)
        code = await child.wait()
        self._children.remove(child)
        if code != 0:
            raise PartFailed(_ended(child, code))

    def pids(self) -> dict[str, int]:
        """Return the process number of every part that runs now."""
        return {child.command.name: child.pid for child in self._children}

    def request_stop(self) -> None:
        """Begin to stop; `run` returns when everything has ended."""
        self._stopping.set()

    def _on_signal(self) -> None:
        if not self._stopping.is_set():
            self._console.say("Stopping. Ctrl-C again ends everything at once.")
            self._stopping.set()
            return
        self._killing = True
        for child in self._children:
            child.kill()

    def _on_flow_end(self, flow: asyncio.Task[None]) -> None:
        if flow.cancelled() or flow.exception() is None:
            return
        self._stopping.set()

    def _on_keeper_end(self, keeper: asyncio.Task[None]) -> None:
        """A part that nobody keeps up any more would be missed by nobody: end the run instead."""
        if keeper.cancelled():
            return
        error = keeper.exception()
        if error is not None:
            self._fail(PartFailed(f"A process could not be started again: {error}"))

    async def _spawn(self, command: Command) -> Child:
        log = self._logs / f"{command.name}.log"
        child = Child(command, log=log, console=self._console)
        await child.start()
        self._children.append(child)
        self._guard.tell(child.pid, child.start_ticks)
        return child

    async def _wait_ready(self, part: Part, child: Child) -> None:
        deadline = time.monotonic() + part.ready_seconds
        while part.ready and not await part.ready():
            if child.has_ended:
                raise PartFailed(_ended(child, await child.wait()))
            if time.monotonic() > deadline:
                raise PartFailed(
                    f"{part.command.name} was not ready after {part.ready_seconds:.0f} seconds."
                    f"{_tail(child)}"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def _keep(self, part: Part, child: Child) -> None:
        failures = 0
        while True:
            since = time.monotonic()
            code = await child.wait()
            self._children.remove(child)
            if self._stopping.is_set():
                return
            self._clear_up(child)
            failures = 1 if time.monotonic() - since > STEADY_SECONDS else failures + 1
            if failures >= MAX_FAILURES:
                self._fail(PartFailed(_ended(child, code)))
                return
            self._console.say(f"{part.command.name} {_how(code)}; starting it again.")
            await asyncio.sleep(min(self._pause_seconds * 2 ** (failures - 1), MAX_PAUSE_SECONDS))
            try:
                child = await self._spawn(part.command)
                await self._wait_ready(part, child)
            except PartFailed as error:
                if not child.has_ended:
                    self._fail(error)
                    return

    def _clear_up(self, child: Child) -> None:
        """End what a part left in its session: half a worker would go on beside the new one."""
        for pid in left_in_session(child.pid, self._guard.run_id):
            kill(pid)

    async def _keep_guard(self) -> None:
        """Start the guard anew when somebody killed it."""
        while True:
            await asyncio.sleep(GUARD_SECONDS)
            if not self._guard.is_alive:
                self._console.say("The guard was ended; starting it again.")
                self._guard.start_again({child.pid: child.start_ticks for child in self._children})

    def _fail(self, error: EmbeddedError) -> None:
        self._failure = error
        self._stopping.set()

    async def _stop_all(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        if self._keepers:
            await asyncio.wait(self._keepers)
        for child in reversed(self._children):
            await self._stop_one(child)
        await self._sweep()

    async def _stop_one(self, child: Child) -> None:
        name = child.command.name
        if self._killing:
            child.kill()
        notice = asyncio.get_running_loop().call_later(
            NOTICE_SECONDS, self._console.say, f"Waiting for {name} to finish."
        )
        code = await child.stop()
        notice.cancel()
        if not self._killing and code == -signal.SIGKILL:
            self._console.say(f"{name} did not end in time and was killed.")

    async def _sweep(self) -> None:
        """Wait for processes that the parts left behind, then kill them."""
        deadline = time.monotonic() + SWEEP_SECONDS
        while left := left_over(self._guard.run_id, {}):
            if self._killing or time.monotonic() > deadline:
                for pid in left:
                    kill(pid)
            await asyncio.sleep(POLL_SECONDS)


def _ended(child: Child, code: int) -> str:
    return f"{child.command.name} {_how(code)}.{_tail(child)}"


def _how(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


def _tail(child: Child) -> str:
    if child.command.echo or not child.last_lines:
        return ""  # its lines have been shown
    return "\nIts last lines:\n" + "\n".join(f"  {line}" for line in child.last_lines)
