"""PostgreSQL and Valkey alone, for a test session: `python -m hub.embedded.services FOLDER`.

Prints their URLs as one line of JSON once both answer, and stays until its standard input ends. So
they never outlive the program that started them, however that ended. The folder is removed.
"""

import asyncio
import json
import os
import shutil
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from hub.embedded.console import Console
from hub.embedded.errors import EmbeddedError
from hub.embedded.liveness import MARK
from hub.embedded.ports import free_loopback_port
from hub.embedded.postgres import Cluster, prepare_cluster
from hub.embedded.state import Home
from hub.embedded.supervisor import Part, Supervisor
from hub.embedded.valkey import Valkey, prepare_valkey
from hub.embedded.watch import Guard

GUARD_GRACE_SECONDS = 2.0


def main(folder: Path) -> None:
    """Serve until standard input ends."""
    home = Home(folder)
    home.create()
    cluster = prepare_cluster(folder, os.environ, durable=False)
    valkey = prepare_valkey(
        folder / "valkey",
        port=free_loopback_port(),
        password=home.secret("valkey_password"),
        durable=False,
    )
    run_id = uuid.uuid4().hex
    guard = Guard(run_id, lock_fd=-1, grace_seconds=GUARD_GRACE_SECONDS)
    guard.start([path for path in (folder, cluster.temporary) if path])
    try:
        supervisor = Supervisor(logs=home.logs, console=Console(sys.stderr), guard=guard)
        env = {**os.environ, MARK: run_id}
        asyncio.run(supervisor.run(_serve(supervisor, cluster, valkey, env)))
    finally:
        guard.end()


async def _serve(
    supervisor: Supervisor, cluster: Cluster, valkey: Valkey, env: Mapping[str, str]
) -> None:
    await supervisor.start(Part(cluster.command(env, durable=False), cluster.is_ready))
    await asyncio.to_thread(cluster.create_database)
    await supervisor.start(Part(valkey.command(env), valkey.is_ready))
    sys.stdout.write(json.dumps({"DATABASE_URL": cluster.url, "VALKEY_URL": valkey.url}) + "\n")
    sys.stdout.flush()
    asyncio.get_running_loop().add_reader(sys.stdin, supervisor.request_stop)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except EmbeddedError as error:
        shutil.rmtree(sys.argv[1], ignore_errors=True)
        sys.exit(error.message)
