"""Real PostgreSQL and Valkey for a test session that was not given any."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from hub.embedded.config import PROJECT_DIR
from hub.embedded.errors import PartFailed

NAMES = ("DATABASE_URL", "VALKEY_URL")
STOP_SECONDS = 60.0
VALKEY_DATABASES = 16
_running: list[subprocess.Popen[str]] = []
_filled: list[str] = []


def ensure_services() -> dict[str, str]:
    """Return DATABASE_URL and VALKEY_URL, starting the services that the environment does not name.

    Both are put into the environment, so that worker processes of the session find them. Call
    before the settings are loaded; call stop_services() at the end. Raises PartFailed.
    """
    missing = [name for name in NAMES if not os.environ.get(name)]
    if missing:
        urls = _start()
        os.environ.update({name: urls[name] for name in missing})
        _filled.extend(missing)
    return {name: os.environ[name] for name in NAMES}


def take_own_queue(worker: str) -> None:
    """Give each worker of pytest-xdist a Valkey database of its own: gw0 takes 1, gw1 takes 2 …"""
    if worker.startswith("gw"):
        url = urlsplit(os.environ["VALKEY_URL"])
        number = (int(worker.removeprefix("gw")) + 1) % VALKEY_DATABASES
        os.environ["VALKEY_URL"] = urlunsplit(url._replace(path=f"/{number}"))


def stop_services() -> None:
    """Stop what ensure_services() started in this process; nothing of it is left behind."""
    while _running:
        process = _running.pop()
        process.communicate(timeout=STOP_SECONDS)
    while _filled:
        os.environ.pop(_filled.pop(), None)


def _start() -> dict[str, str]:
    folder = Path(tempfile.mkdtemp(prefix="atelier-services-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "hub.embedded.services", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT_DIR,
        text=True,
        start_new_session=True,
    )
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=STOP_SECONDS)
        raise PartFailed(
            "PostgreSQL and Valkey for the tests did not start; the lines above say why."
        )
    _running.append(process)
    urls: dict[str, str] = json.loads(line)
    return urls
