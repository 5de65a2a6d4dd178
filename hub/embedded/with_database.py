"""Run a command with the database of a data folder: `python -m hub.embedded.with_database ARGV`.

Where the site runs on the folder, its PostgreSQL is used; else PostgreSQL alone is started for as
long as the command takes. With DATABASE_URL nothing is started.
"""

import asyncio
import os
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from hub.embedded.config import PROJECT_DIR, RunConfig, read_config
from hub.embedded.console import Console
from hub.embedded.errors import EmbeddedError, FolderTaken
from hub.embedded.liveness import MARK
from hub.embedded.postgres import Cluster, prepare_cluster, running_url
from hub.embedded.state import Home
from hub.embedded.supervisor import Part, Supervisor
from hub.embedded.watch import Guard

GUARD_GRACE_SECONDS = 10.0


def main(argv: list[str]) -> int:
    """Return the command's exit code; raises EmbeddedError when there is no database to be had."""
    config = read_config(os.environ)
    home = Home(config.home)
    home.create()
    env = {
        "ATELIER_SECRET_KEY": home.secret("secret_key"),
        **os.environ,
        "ATELIER_ENV": config.environment,
        "ATELIER_HOME": str(config.home),
    }
    if not config.embeds_database:
        return asyncio.run(_run(argv, env))
    try:
        home.take(f"the command {Path(argv[-1]).name}")
    except FolderTaken:
        url = running_url(config.home)
        if url is None:
            raise
        return asyncio.run(_run(argv, {**env, "DATABASE_URL": url}))
    try:
        return _run_beside_database(config, home, argv, env)
    finally:
        home.release()


def _run_beside_database(
    config: RunConfig, home: Home, argv: list[str], env: Mapping[str, str]
) -> int:
    cluster = prepare_cluster(config.home, os.environ)
    run_id = uuid.uuid4().hex
    guard = Guard(run_id, lock_fd=home.lock_fd, grace_seconds=GUARD_GRACE_SECONDS)
    guard.start([cluster.temporary] if cluster.temporary else [])
    try:
        supervisor = Supervisor(logs=home.logs, console=Console(sys.stderr), guard=guard)
        codes: list[int] = []
        marked = {**env, MARK: run_id, "DATABASE_URL": cluster.url}
        flow = _serve(supervisor, cluster, argv, marked, codes)
        asyncio.run(supervisor.run(flow))
    finally:
        guard.end()
    return codes[0] if codes else 1


async def _serve(
    supervisor: Supervisor,
    cluster: Cluster,
    argv: list[str],
    env: Mapping[str, str],
    codes: list[int],
) -> None:
    await supervisor.start(Part(cluster.command(env), cluster.is_ready))
    await asyncio.to_thread(cluster.create_database)
    codes.append(await _run(argv, env))
    supervisor.request_stop()


async def _run(argv: list[str], env: Mapping[str, str]) -> int:
    """Run the command on our own terminal; end it when we are cancelled."""
    process = await asyncio.create_subprocess_exec(*argv, env=dict(env), cwd=PROJECT_DIR)
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except EmbeddedError as error:
        sys.exit(error.message)
