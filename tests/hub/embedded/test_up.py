"""The whole site by one command: real processes, from an empty folder and back down.

One test walks through a life of the site, since each start costs seconds.
"""

import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.embedded.config import PROJECT_DIR
from tests.hub.embedded.processes import descendants, wait_until, wait_until_gone

pytestmark = pytest.mark.timeout(900)
NOT_INHERITED = ("DATABASE_URL", "VALKEY_URL", "STORAGE_URL", "DJANGO_SETTINGS_MODULE")


class Run:
    """One `python -m hub.embedded`, its output read as it comes."""

    def __init__(self, home: Path, port: str = "0") -> None:
        env = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        env |= {"ATELIER_HOME": str(home), "HOST": "127.0.0.1", "PORT": port}
        env |= {"ATELIER_DEMO": "0", "ATELIER_ENV": "development"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub.embedded"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_DIR,
            env=env,
            text=True,
        )
        self.text = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.text += line

    @property
    def url(self) -> str:
        return re.search(r"Atelier is running at (\S+)", self.text)[1]

    def wait_until_up(self) -> None:
        def up() -> bool:
            assert self.process.poll() is None, self.text
            return "Press Ctrl-C to stop." in self.text

        wait_until(up, "the site to be up", seconds=400)

    def end(self, number: signal.Signals | None = None) -> int:
        if number:
            self.process.send_signal(number)
        code = self.process.wait(timeout=120)
        self._reader.join()
        self.process.stdout.close()
        return code


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="atelier-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "home"


@pytest.fixture
def start(home: Path):
    runs: list[Run] = []

    def begin(port: str = "0") -> Run:
        runs.append(Run(home, port))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.end(signal.SIGKILL)


def _status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=120) as answer:
        return answer.status


def test_a_site_starts_refuses_a_second_run_stops_and_survives_kill_9(start, home: Path) -> None:
    first = start()
    first.wait_until_up()
    assert _status(first.url) == 200
    password = home / "secrets" / "admin_password"
    assert f"with the password {password.read_text().strip()}" in first.text
    assert stat.S_IMODE(password.stat().st_mode) == 0o600

    second = start()
    assert second.end() == 1
    assert f"in use by process {first.process.pid}" in second.text

    below = descendants(first.process.pid)
    assert first.end(signal.SIGINT) == 0
    assert first.text.rstrip().endswith("Everything has stopped.")
    wait_until_gone(below)

    third = start(port=first.url.rstrip("/").rpartition(":")[2])
    third.wait_until_up()
    assert third.url == first.url
    assert "with the password" not in third.text
    assert str(password) in third.text

    below = descendants(third.process.pid)
    assert third.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until_gone(below)
