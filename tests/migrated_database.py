"""A migrated database for tests to copy: the migrations run once, and not once a process.

What they leave is kept as a dump in pytest's cache, under a name that is made from everything that
decides it: the migrations, what they import of the project, the models (content types and
permissions follow them), the pinned requirements and the server. With another of these, the
migrations run again. On each server the dump becomes one database, and every test process copies
that one.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from hub.embedded.errors import ProgramMissing
from hub.embedded.postgres_programs import find_client

PROJECT = Path(__file__).resolve().parents[1]
PREFIX = "atelier_migrated_"
LOCK_KEY = 20_261_129  # of the advisory lock under which the database is made


def migrated_database(folder: Path) -> str:
    """Name of a database as the migrations leave it, which is made where the server has none.

    `folder` keeps the dump. Raises CalledProcessError where that cannot be written or read.
    """
    with closing(_server()) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        name = PREFIX + _fingerprint(server.info.server_version)
        names = [row[0] for row in server.execute("SELECT datname FROM pg_database")]
        if name not in names:
            for outdated in (other for other in names if other.startswith(PREFIX)):
                _say(server, "DROP DATABASE {} WITH (FORCE)", outdated)
            beside = f"{PREFIX}new"
            _say(server, "CREATE DATABASE {} TEMPLATE template0", beside)
            _fill(beside, folder / f"{name}.sql", server.info.server_version // 10_000)
            _say(server, "ALTER DATABASE {} RENAME TO {}", beside, name)
    return name


def _server() -> psycopg.Connection[Any]:
    return psycopg.connect(**{**_address(), "dbname": "postgres"}, autocommit=True)


def _address() -> dict[str, Any]:
    named = connection.get_connection_params()
    return {key: named[key] for key in ("host", "port", "user", "password") if named.get(key)}


def _say(server: psycopg.Connection[Any], statement: str, *names: str) -> None:
    server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _fingerprint(server_version: int) -> str:
    digest = hashlib.sha256(str(server_version).encode())
    for path in sorted(_sources()):
        digest.update(f"\0{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> set[Path]:
    """The files that decide what the migrations leave."""
    migrations = {
        Path(inspect.getfile(type(migration)))
        for migration in MigrationLoader(None).disk_migrations.values()
    }
    models = {Path(inspect.getfile(model)) for model in apps.get_models()}
    imported = {found for path in migrations for found in _imported(path)}
    return migrations | models | imported | set((PROJECT / "requirements").glob("*.txt"))


def _imported(path: Path) -> Iterator[Path]:
    """Modules of the project that a file names in its imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in filter(None, names):
            spec = importlib.util.find_spec(name)
            origin = Path((spec and spec.origin) or "")
            if origin.is_relative_to(PROJECT):
                yield origin


def _fill(name: str, dump: Path, major: int) -> None:
    if dump.exists():
        _run("psql", major, name, "--quiet", "--no-psqlrc", f"--file={dump}", *IN_ONE_PIECE)
        return
    with _turned_to(name):
        call_command("migrate", interactive=False, verbosity=0, run_syncdb=True)
    beside = dump.with_suffix(f".{os.getpid()}")
    try:
        _run("pg_dump", major, name, "--no-owner", "--no-privileges", f"--file={beside}")
    except ProgramMissing:
        return  # a server elsewhere, and no program of its version here: only its copy is kept
    for outdated in dump.parent.glob(f"{PREFIX}*.sql"):
        outdated.unlink(missing_ok=True)
    beside.rename(dump)


IN_ONE_PIECE = ("--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null")


@contextmanager
def _turned_to(name: str) -> Iterator[None]:
    """Django's connection on another database."""
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own


def _run(program: str, major: int, database: str, *arguments: str) -> None:
    address = _address()
    environ = {**os.environ, "PGDATABASE": database, "LC_ALL": "C.UTF-8"}
    environ |= {f"PG{key.upper()}": str(value) for key, value in address.items()}
    path = find_client(program, oldest_major=major)
    subprocess.run([str(path), *arguments], check=True, env=environ, timeout=120)
