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
