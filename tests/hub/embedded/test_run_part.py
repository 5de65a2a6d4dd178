"""One part in a process of its own, as containers run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.embedded.config import PROJECT_DIR, read_config
from hub.embedded.parts import SiteParts
from hub.embedded.run_part import PARTS, command_of

ELSEWHERE = {"DATABASE_URL": "postgresql://db/atelier", "VALKEY_URL": "redis://valkey/0"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("web", ("uvicorn", "hub.asgi:application", "--host", "0.0.0.0", "--port", "9000")),
        ("cpu", ("celery", "worker", "-Q", "cpu", "--pool", "prefork")),
        ("gpu", ("celery", "worker", "-Q", "gpu", "--pool", "solo")),
        ("beat", ("celery", "beat")),
        ("prepare", ("prepare", "--admin-password-file")),
    ],
)
def test_a_part_is_started_with_the_command_of_the_one_command_machine(name, words) -> None:
    config = read_config({**ELSEWHERE, "HOST": "0.0.0.0", "PORT": "9000"})
    argv = command_of(name, SiteParts(config, config.port, {})).argv

    assert [word for word in words if word not in argv] == []
    assert name in PARTS


@pytest.mark.parametrize(
    ("name", "line", "is_shown"),
    [
        ("web", '127.0.0.1:39920 "GET /models/ HTTP/1.1" 200 OK', False),
        ("web", '127.0.0.1:39920 "GET /models/ HTTP/1.1" 500 Internal Server Error', True),
        ("web", "ERROR Exception in ASGI application", True),
        ("cpu", "[2026-11-30 08:41: INFO/MainProcess] Task jobs.tidy[2e] received", False),
        ("cpu", "[2026-11-30 08:41: INFO/ForkPoolWorker-1] Task a.b[2e] succeeded in 1.1s", False),
        ("cpu", "[2026-11-30 08:41: ERROR/ForkPoolWorker-1] Task a.b[2e] raised: Gone()", True),
        ("gpu", "[2026-11-30 08:41: INFO/MainProcess] job 1: attempt 1 begins", True),
    ],
)
def test_daily_work_stays_out_of_the_terminal_and_trouble_does_not(name, line, is_shown) -> None:
    config = read_config(ELSEWHERE)
    routine = command_of(name, SiteParts(config, config.port, {})).routine

    assert (routine.search(line) is None) == is_shown


def _run(*argv: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub.embedded.run_part", *argv],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        env={"PATH": os.environ["PATH"], **extra},
        timeout=60,
    )


def test_production_without_a_database_is_refused_by_name(tmp_path: Path) -> None:
    result = _run("web", ATELIER_ENV="production", ATELIER_HOME=str(tmp_path / "home"))

    assert result.returncode == 1
    assert "DATABASE_URL and VALKEY_URL is not set" in result.stderr


def test_a_part_becomes_the_process_itself_so_that_signals_reach_it(tmp_path: Path) -> None:
    """The administrator's command, with a database that is not there: its own words come out."""
    named = {**ELSEWHERE, "DATABASE_URL": "postgresql://127.0.0.1:9/atelier"}
    result = _run("prepare", **named, ATELIER_HOME=str(tmp_path / "home"))

    assert result.returncode == 1
    assert "OperationalError" in result.stderr
    assert (tmp_path / "home" / "secrets").is_dir()
