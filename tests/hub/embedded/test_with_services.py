"""Commands that get services around them."""

import os
import subprocess
import sys

from hub.embedded.config import PROJECT_DIR


def _run(code: str, **extra: str) -> subprocess.CompletedProcess[str]:
    hidden = ("DATABASE_URL", "VALKEY_URL")
    env = {name: value for name, value in os.environ.items() if name not in hidden} | extra
    argv = [sys.executable, "-m", "hub.embedded.with_services", sys.executable, "-c", code]
    return subprocess.run(
        argv, check=False, capture_output=True, text=True, cwd=PROJECT_DIR, env=env, timeout=60
    )


def test_a_command_gets_a_database_that_answers_and_its_exit_code_comes_back() -> None:
    result = _run(
        "import os, psycopg\n"
        "with psycopg.connect(os.environ['DATABASE_URL']) as connection:\n"
        "    print(connection.execute('select 6 * 7').fetchone()[0])\n"
        "raise SystemExit(7)"
    )
    assert (result.stdout, result.returncode) == ("42\n", 7)


def test_a_server_that_is_named_is_left_as_it_is() -> None:
    result = _run(
        "import os; print(os.environ['VALKEY_URL'], os.environ['DATABASE_URL'][:10])",
        VALKEY_URL="redis://elsewhere:1/0",
    )
    assert result.stdout == "redis://elsewhere:1/0 postgresql\n"
