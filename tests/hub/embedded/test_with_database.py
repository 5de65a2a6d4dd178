"""Commands that get the database of a data folder, whether the site runs on it or not."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hub.embedded.config import PROJECT_DIR

WITH_DATABASE = (sys.executable, "-m", "hub.embedded.with_database")
ASK = (
    "import os, psycopg\n"
    "with psycopg.connect(os.environ['DATABASE_URL']) as connection:\n"
    "    print(connection.execute('select pg_backend_pid() > 0').fetchone()[0])\n"
    "    print(len(os.environ['ATELIER_SECRET_KEY']) > 32)\n"
    "raise SystemExit(7)"
)


def _run(*argv: str, **extra: str) -> subprocess.CompletedProcess[str]:
    hidden = ("DATABASE_URL", "VALKEY_URL", "ATELIER_ENV", "ATELIER_SECRET_KEY")
    env = {name: value for name, value in os.environ.items() if name not in hidden} | extra
    return subprocess.run(
        [*WITH_DATABASE, *argv],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        env=env,
        timeout=120,
    )


def test_postgresql_is_started_for_a_command_and_shared_with_a_second_one() -> None:
    with tempfile.TemporaryDirectory(prefix="atelier-test-") as name:
        Path(name).chmod(0o711)
        second = (*WITH_DATABASE, sys.executable, "-c", ASK)
        result = _run(*second, ATELIER_HOME=str(Path(name) / "home"))

        assert (result.stdout, result.returncode) == ("True\nTrue\n", 7), result.stderr
        assert not list(Path(name).glob("home/postgres/*/data/postmaster.pid"))


def test_a_server_that_is_named_is_used_and_nothing_is_started(tmp_path: Path) -> None:
    code = "import os; print(os.environ['DATABASE_URL'])"
    named = {"ATELIER_HOME": str(tmp_path / "home"), "DATABASE_URL": "postgresql://elsewhere/hub"}

    result = _run(sys.executable, "-c", code, **named)

    assert result.stdout == "postgresql://elsewhere/hub\n", result.stderr
    assert not (tmp_path / "home" / "postgres").exists()
