"""Real Celery workers for a journey: on the test's database and store, and never outliving it."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

PROJECT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1  # prctl(2)
STOP_SECONDS = 30
LEASE_SECONDS = 20
POOLS = {"cpu": ("--pool", "prefork", "-c", "1"), "gpu": ("--pool", "solo")}
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def celery_worker(queue: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of `queue`, its lines among those of the test; its trainer ends with it."""
    name = ("-Q", queue, "-n", f"{queue}@journey-{os.getpid()}")
    quiet = ("--without-gossip", "--without-mingle", "-l", "info")
    worker = (sys.executable, "-W", "ignore", "-m", "celery", "-A", "hub.celery", "worker")
    process = subprocess.Popen(
        [*worker, *name, *POOLS[queue], *quiet],
        env=worker_environment(),
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_the_test,  # noqa: PLW1509  only async-signal-safe calls
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def worker_environment() -> dict[str, str]:
    """The database, broker, store and keys of the running tests, as a worker is given them."""
    name = settings.DATABASES["default"]["NAME"]
    database = urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}")
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "ATELIER_ENV": "development",
        "ATELIER_HOME": str(settings.ATELIER_HOME),
        "ATELIER_SECRET_KEY": settings.SECRET_KEY,
        "ATELIER_JOB_LEASE_SECONDS": str(LEASE_SECONDS),
        "ATELIER_LOG_LEVEL": "INFO",
        "STORAGE_URL": settings.STORAGE_URL,
        "DATABASE_URL": database.geturl(),
        "VALKEY_URL": settings.VALKEY_URL,
        "OMP_NUM_THREADS": "1",
    }


def _die_with_the_test() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
