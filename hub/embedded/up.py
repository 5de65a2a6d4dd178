"""`make run`: from an empty folder to a site that answers, and back down in order."""

import asyncio
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from hub.embedded.config import RunConfig, read_config
from hub.embedded.console import Console
from hub.embedded.errors import EmbeddedError, PartFailed
from hub.embedded.liveness import MARK
from hub.embedded.parts import SiteParts
from hub.embedded.ports import check_free, free_loopback_port
from hub.embedded.postgres import Cluster, prepare_cluster
from hub.embedded.state import Home
from hub.embedded.supervisor import Part, Supervisor
from hub.embedded.valkey import Valkey, prepare_valkey
from hub.embedded.watch import Guard
from hub.embedded.web_answer import site_url

GUARD_GRACE_SECONDS = 10.0
ADMIN_NAME = "admin"


class Site:
    """One run of the site on one data folder."""

    def __init__(self, config: RunConfig, environ: Mapping[str, str], console: Console) -> None:
        self._config = config
        self._environ = environ
        self._console = console
        self._home = Home(config.home)
        self._run_id = uuid.uuid4().hex
        self._port = config.port
        self._cluster: Cluster | None = None
        self._valkey: Valkey | None = None

    def run(self) -> None:
        """Start everything, stay, stop everything. Raises EmbeddedError."""
        self._home.create()
        self._home.take(site_url(self._config.host, self._config.port))
        guard = Guard(self._run_id, lock_fd=self._home.lock_fd, grace_seconds=GUARD_GRACE_SECONDS)
        try:
            self._port = check_free(self._config.host, self._config.port)
            self._prepare_services()
            temporary = self._cluster.temporary if self._cluster else None
            guard.start([temporary] if temporary else [])
            try:
                asyncio.run(self._supervise(guard))
            finally:
                guard.end()
        finally:
            self._home.release()

    def _prepare_services(self) -> None:
        if self._config.embeds_database:
            self._cluster = prepare_cluster(self._config.home, self._environ)
        if self._config.embeds_valkey:
            self._valkey = prepare_valkey(
                self._config.home / "valkey",
                port=free_loopback_port(),
                password=self._home.secret("valkey_password"),
            )

    async def _supervise(self, guard: Guard) -> None:
        supervisor = Supervisor(logs=self._home.logs, console=self._console, guard=guard)
        await supervisor.run(self._start_all(supervisor))

    async def _start_all(self, supervisor: Supervisor) -> None:
        env = self._child_environment()
        if self._cluster:
            self._console.say(f"Starting PostgreSQL {self._cluster.programs.version}.")
            await supervisor.start(Part(self._cluster.command(env), self._cluster.is_ready))
            await asyncio.to_thread(self._cluster.create_database)
        if self._valkey:
            self._console.say("Starting Valkey.")
            await supervisor.start(Part(self._valkey.command(env), self._valkey.is_ready))
        parts = SiteParts(self._config, self._port, env)
        self._console.say("Preparing the database and the static files.")
        await supervisor.run_once(parts.prepare())
        for part in (parts.cpu_worker(), parts.gpu_worker(), parts.web(), parts.clock()):
            await supervisor.start(part)
        self._greet()
        await self._seed(supervisor, parts)

    async def _seed(self, supervisor: Supervisor, parts: SiteParts) -> None:
        if not self._config.demo or self._home.is_done("demo"):
            return
        self._console.say("Making the demo content. The site can be used meanwhile.")
        try:
            await supervisor.run_once(parts.demo())
        except PartFailed as error:
            self._console.say(
                f"{error}\nThe site runs without all of its demo content; "
                "the next start tries again."
            )
            return
        self._home.mark_done("demo")
        url = site_url(self._config.host, self._port)
        self._console.say(f"The demo content is complete. Look at it: {url}")

    def _greet(self) -> None:
        self._console.say(f"\nAtelier is running at {site_url(self._config.host, self._port)}")
        password = self._home.secret_path("admin_password")
        if password.exists():
            self._console.say(self._sign_in(password))
        self._console.say(f"Its data is in {self._config.home}. Press Ctrl-C to stop.\n")

    def _sign_in(self, password: Path) -> str:
        if self._home.is_done("greeting"):
            return f"Sign in as {ADMIN_NAME}; the first password is kept in {password}."
        self._home.mark_done("greeting")
        return (
            f"Sign in as {ADMIN_NAME} with the password {password.read_text().strip()}\n"
            f"(shown this once, and kept in {password})"
        )

    def _child_environment(self) -> dict[str, str]:
        """Return what every part is told; real servers and parts of our own look alike to them."""
        env = {
            "ATELIER_SECRET_KEY": self._home.secret("secret_key"),
            **self._environ,
            "ATELIER_ENV": self._config.environment,
            "ATELIER_HOME": str(self._config.home),
            "HOST": self._config.host,
            "PORT": str(self._port),
            "PYTHONUNBUFFERED": "1",
            MARK: self._run_id,
        }
        if self._cluster:
            env["DATABASE_URL"] = self._cluster.url
        if self._valkey:
            env["VALKEY_URL"] = self._valkey.url
        return env


def main(*, reload: bool = False) -> int:
    """Run the site until it is stopped; return the exit code."""
    console = Console()
    try:
        Site(read_config(os.environ, reload=reload), os.environ, console).run()
    except EmbeddedError as error:
        console.say(f"{error}")
        return 1
    except KeyboardInterrupt:
        console.say("Stopped before everything had started.")
        return 130
    console.say("Everything has stopped.")
    return 0
