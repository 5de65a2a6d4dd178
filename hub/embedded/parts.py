"""The site's own processes: web, workers, clock, and the steps that come before and after."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from hub.embedded.config import PROJECT_DIR, RunConfig
from hub.embedded.process import Command
from hub.embedded.supervisor import Part
from hub.embedded.web_answer import answers

CPU_PROCESSES = 2
CPU_STOP_SECONDS = 30.0
GPU_STOP_SECONDS = 75.0  # longer than JOB_STOP_GRACE_SECONDS: a trainer saves before it ends
WEB_DRAIN_SECONDS = 3
# Celery warns root at length; a machine where all is root (a container) is a choice made already.
QUIET_ABOUT_ROOT = ("-W", "ignore:You're running the worker with superuser privileges")
# On the terminal they would drive out what a person looks for there. While somebody works on the
# code (`reload`), they are what that person looks for.
ANSWERED = re.compile(r'" [123]\d\d\b[^"]*$')
TASK_DONE = re.compile(r"INFO/\S+\] Task \S+ (received|succeeded in )")


@dataclass(frozen=True)
class SiteParts:
    """Builds the commands of one run, all with the same environment."""

    config: RunConfig
    port: int
    env: Mapping[str, str]

    def prepare(self) -> Command:
        """Migrate, collect static files and make the first administrator."""
        password_file = self.config.home / "secrets" / "admin_password"
        return self._manage("prepare", "prepare", "--admin-password-file", str(password_file))

    def demo(self) -> Command:
        """Make the demo content."""
        return self._manage("demo", "seed_demo")

    def web(self) -> Part:
        """One uvicorn; ready when it answers over HTTP."""
        arguments = [
            *("hub.asgi:application", "--host", self.config.host, "--port", str(self.port)),
            *("--ws", "websockets-sansio", "--ws-ping-interval", "20", "--no-server-header"),
            *("--ws-max-size", str(1024**2)),
            *("--timeout-graceful-shutdown", str(WEB_DRAIN_SECONDS)),
            *("--log-config", str(PROJECT_DIR / "hub" / "embedded" / "web_log.json")),
        ]
        if self.config.reload:
            arguments.append("--reload")
        command = self._python(
            "web", "uvicorn", *arguments, stop_seconds=WEB_DRAIN_SECONDS + 7, routine=ANSWERED
        )
        return Part(command, ready=lambda: answers(self.config.host, self.port))

    def cpu_worker(self) -> Part:
        """Small tasks: processes, since their time limits need a process to end."""
        pool = ("--pool", "prefork", "-c", str(CPU_PROCESSES))
        return Part(self._worker("cpu", *pool, stop_seconds=CPU_STOP_SECONDS))

    def gpu_worker(self) -> Part:
        """Training: one job at a time, in a trainer process that the worker starts."""
        return Part(self._worker("gpu", "--pool", "solo", stop_seconds=GPU_STOP_SECONDS))

    def clock(self) -> Part:
        """Celery's beat, which wakes the periodic tasks."""
        schedule = str(self.config.home / "beat" / "schedule")
        arguments = (
            "-q",
            "-A",
            "hub.celery",
            "beat",
            "-s",
            schedule,
            "--pidfile=",
            "-l",
            "warning",
        )
        return Part(self._python("beat", "celery", *arguments, stop_seconds=5))

    def _worker(self, queue: str, *pool: str, stop_seconds: float) -> Command:
        name = ("-Q", queue, "-n", f"{queue}@%h")
        quiet = ("--without-gossip", "--without-mingle", "-l", "info")
        arguments = ("-q", "-A", "hub.celery", "worker", *name, *pool, *quiet)
        return self._python(
            queue, "celery", *arguments, stop_seconds=stop_seconds, routine=TASK_DONE
        )

    def _manage(self, name: str, *arguments: str) -> Command:
        argv = (sys.executable, str(PROJECT_DIR / "manage.py"), *arguments)
        return Command(name=name, argv=argv, env=self.env, cwd=PROJECT_DIR)

    def _python(
        self,
        name: str,
        module: str,
        *arguments: str,
        stop_seconds: float,
        routine: re.Pattern[str] | None = None,
    ) -> Command:
        quiet = QUIET_ABOUT_ROOT if module == "celery" else ()
        argv = (sys.executable, *quiet, "-m", module, *arguments)
        return Command(
            name=name,
            argv=argv,
            env=self.env,
            cwd=PROJECT_DIR,
            stop_seconds=stop_seconds,
            routine=None if self.config.reload else routine,
        )
