"""The database as a file: pg_dump and pg_restore, of the wheel or of the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from psycopg.conninfo import make_conninfo

from hub.backup.errors import BackupFailed
from hub.embedded.errors import ProgramMissing
from hub.embedded.postgres_programs import find_client


def server_version() -> str:
    """Version of the server that we speak to, such as 18.1."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        number = int(cursor.fetchone()[0])
    return f"{number // 10000}.{number % 10000}"


def applied_migrations() -> list[str]:
    """Migrations that the database has, as `app.name`."""
    loader = MigrationLoader(connection)
    return sorted(f"{app}.{name}" for app, name in loader.applied_migrations)


def unknown_migrations(applied: list[str]) -> list[str]:
    """Those of them that this Atelier's code does not have."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    return sorted(set(applied) - known)


def is_empty() -> bool:
    """Whether the database holds no table yet."""
    return not connection.introspection.table_names()


def dump(path: Path, *, snapshot: str) -> None:
    """Write the database as one exported snapshot shows it. Raises BackupFailed."""
    options = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}")
    _run("pg_dump", *options, f"--file={path}", f"--dbname={_conninfo()}")


def load(path: Path) -> None:
    """Fill the empty database whole or not at all. Raises BackupFailed."""
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
    connection.close()
    _run("pg_restore", *options, f"--dbname={_conninfo()}", str(path))


def _run(name: str, *arguments: str) -> None:
    result = subprocess.run(  # noqa: S603
        [_program(name), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **_password(), "LC_ALL": "C.UTF-8"},
    )
    if result.returncode != 0:
        raise BackupFailed(f"{name} failed: {result.stderr.strip()[-2000:]}")


def _program(name: str) -> str:
    """Full path of a program at least as new as the server: an older one refuses to dump it."""
    try:
        major = int(server_version().partition(".")[0])
        return str(find_client(name, oldest_major=major))
    except ProgramMissing as error:
        raise BackupFailed(error.message) from error


def _conninfo() -> str:
    """How the site's own connection is made, without what must not show in the process list."""
    kept = {"host", "port", "user", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey"}
    named = connection.get_connection_params()
    return make_conninfo(**{key: value for key, value in named.items() if key in kept and value})


def _password() -> dict[str, str]:
    password = settings.DATABASES["default"].get("PASSWORD", "")
    return {"PGPASSWORD": str(password)} if password else {}


def ask_for_empty_database() -> None:
    """Raises BackupFailed unless the server answers and the database holds nothing."""
    try:
        empty = is_empty()
    except OperationalError as error:
        raise BackupFailed(f"The database does not answer: {error}") from error
    if not empty:
        raise BackupFailed(
            f"The database {connection.settings_dict['NAME']!r} is not empty, and a backup is "
            "restored into an empty one only. Choose another data folder with ATELIER_HOME, or "
            "another database with DATABASE_URL."
        )
