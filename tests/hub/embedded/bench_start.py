"""How long the embedded services take to come up and to stop; `make bench` prints it."""

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Callable

from hub.embedded.console import Console
from hub.embedded.liveness import MARK
from hub.embedded.ports import free_loopback_port
from hub.embedded.postgres import prepare_cluster
from hub.embedded.state import Home
from hub.embedded.supervisor import Part, Supervisor
from hub.embedded.valkey import prepare_valkey
from hub.embedded.watch import Guard

ROUNDS = 5


def start_and_stop(home: Home) -> tuple[float, float]:
    """Return the seconds until both services answer, and until both have ended."""
    began = time.perf_counter()
    ready: list[float] = []
    _serve(home, on_ready=lambda: ready.append(time.perf_counter()))
    return ready[0] - began, time.perf_counter() - ready[0]


def _serve(home: Home, *, on_ready: Callable[[], None]) -> None:
    cluster = prepare_cluster(home.path, os.environ)
    password = home.secret("valkey_password")
    folder = home.path / "valkey"
    valkey = prepare_valkey(folder, port=free_loopback_port(), password=password)
    run_id = uuid.uuid4().hex
    env = {**os.environ, MARK: run_id}
    guard = Guard(run_id, lock_fd=-1, grace_seconds=5)
    guard.start([cluster.temporary] if cluster.temporary else [])
    supervisor = Supervisor(logs=home.logs, console=Console(sys.stderr), guard=guard)

    async def flow() -> None:
        await supervisor.start(Part(cluster.command(env), cluster.is_ready))
        await asyncio.to_thread(cluster.create_database)
        await supervisor.start(Part(valkey.command(env), valkey.is_ready))
        on_ready()
        supervisor.request_stop()

    asyncio.run(supervisor.run(flow()))
    guard.end()
