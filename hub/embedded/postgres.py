"""An embedded PostgreSQL: a unix socket that only we can reach, a foreground child, no TCP.

Layout below the data folder of the installation:
    postgres/<major>/data   the cluster, 0700, owned by the account that runs it
    postgres/run            the socket, where the path is short enough
As root below a folder that the account cannot enter, `postgres` is a link into the system's state
folder (/var/lib/atelier, or ATELIER_SYSTEM_STATE).
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from hub.embedded.accounts import Account, can_enter, service_account
from hub.embedded.errors import FolderUnusable, PartFailed
from hub.embedded.liveness import start_ticks
from hub.embedded.postgres_programs import Programs, find_programs, runnable_copy
from hub.embedded.process import Command
from hub.embedded.state import account_name

USER, DATABASE = "app", "atelier"
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_MAX_BYTES = 107  # unix(7): sun_path holds 108 with the closing zero
PID_FILE_SOCKET_LINE = 4  # of postmaster.pid: utils/pidfile.h, LOCK_FILE_LINE_SOCKET_DIR, from 0
MAX_CONNECTIONS = 200
OLD_SERVER_SECONDS = 20.0
# After a crash one call brings all files of the file system to the disk, not one call for each of
# a thousand: seconds less until pages come again. Linux has the call.
QUICK_RECOVERY = ("recovery_init_sync_method=syncfs",) if sys.platform == "linux" else ()
FAST_AND_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class Cluster:
    """An initialised cluster and what runs it; `temporary` is a folder to remove at the end."""

    programs: Programs
    account: Account | None
    data: Path
    run: Path
    temporary: Path | None = None

    @property
    def url(self) -> str:
        """DATABASE_URL of the site's database."""
        return f"postgresql://{USER}@/{DATABASE}?host={quote(str(self.run))}"

    def command(self, env: Mapping[str, str], *, durable: bool = True) -> Command:
        """Return the server as a command; durable=False gives up crash safety, for tests."""
        settings = [f"max_connections={MAX_CONNECTIONS}", "listen_addresses="]
        settings += QUICK_RECOVERY if durable else FAST_AND_FORGETFUL
        argv = [self.programs.path("postgres"), "-D", str(self.data), "-k", str(self.run)]
        for setting in settings:
            argv += ["-c", setting]
        return Command(
            name="postgres",
            argv=tuple(argv),
            env={**env, "LC_ALL": "C.UTF-8"},
            cwd=Path("/"),  # a folder the account cannot read would break the start
            account=self.account,
            stop_signal=signal.SIGINT,  # fast; SIGTERM would wait for every client
            stop_seconds=30.0,
            echo=False,
        )

    async def is_ready(self) -> bool:
        """Whether the server answers on its socket."""
        probe = await asyncio.create_subprocess_exec(
            self.programs.path("pg_isready"), "-q", "-h", str(self.run), "-d", "postgres"
        )
        return await probe.wait() == 0

    def create_database(self) -> None:
        """Create the site's database unless it exists."""
        query = f"select 1 from pg_database where datname = '{DATABASE}'"  # noqa: S608  a constant
        if self._psql(query) != "1":
            self._psql(f"create database {DATABASE}")

    def _psql(self, statement: str) -> str:
        argv = [self.programs.path("psql"), "-h", str(self.run), "-U", USER, "-d", "postgres"]
        answer = subprocess.run(  # noqa: S603
            [*argv, "-X", "-A", "-t", "-c", statement],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PGCONNECT_TIMEOUT": "10"},
        )
        if answer.returncode != 0:
            raise PartFailed(f"PostgreSQL refused {statement!r}: {answer.stderr.strip()}")
        return answer.stdout.strip()


def prepare_cluster(home: Path, environ: Mapping[str, str], *, durable: bool = True) -> Cluster:
    """Find the programs, choose the folders, and initialise a cluster on the first start."""
    account = service_account()
    place = _place(home, account, environ)
    existing = sorted(int(path.parents[1].name) for path in place.glob("*/data/PG_VERSION"))
    programs = find_programs(existing[-1] if existing else None)
    programs = runnable_copy(programs, account, place)
    data = place / str(programs.major) / "data"
    if existing:
        _check_owner(data, account)
        _wait_for_old_server(data)
    else:
        _initialise(programs, account, data, durable=durable)
    run, temporary = _socket_folder(place, account)
    return Cluster(programs, account, data, run, temporary)


def running_url(home: Path) -> str | None:
    """DATABASE_URL of the server that runs on a data folder now, if one does.

    As root and as the folder's owner: nobody else reaches the socket.
    """
    for data in (home / "postgres").resolve().glob("*/data"):
        if _server_pid(data) is not None:
            run = (data / "postmaster.pid").read_text().split("\n")[PID_FILE_SOCKET_LINE]
            return f"postgresql://{USER}@/{DATABASE}?host={quote(run)}"
    return None


def _place(home: Path, account: Account | None, environ: Mapping[str, str]) -> Path:
    """Return the folder of everything PostgreSQL keeps, which its account can enter."""
    link = home / "postgres"
    if link.is_symlink():
        link.resolve().mkdir(parents=True, exist_ok=True)
        return link.resolve()
    if can_enter(account, home):
        link.mkdir(exist_ok=True)
        link.chmod(0o711 if account else 0o700)
        return link.resolve()
    return _relocate(link, account, environ)


def _relocate(link: Path, account: Account | None, environ: Mapping[str, str]) -> Path:
    system = Path(environ.get("ATELIER_SYSTEM_STATE") or "/var/lib/atelier").absolute()
    try:
        system.mkdir(parents=True, exist_ok=True)
        target = Path(tempfile.mkdtemp(prefix="postgres-", dir=system))
        target.chmod(0o711)
    except OSError as error:
        raise FolderUnusable(
            f"PostgreSQL runs as {account.name if account else 'this account'}, which cannot enter "
            f"{link.parent}, and {system} cannot be used either: {error.strerror}. Set "
            "ATELIER_HOME or ATELIER_SYSTEM_STATE to a folder outside closed home folders."
        ) from error
    if not can_enter(account, target):
        target.rmdir()
        raise FolderUnusable(
            f"PostgreSQL's account cannot enter {system}. Set ATELIER_SYSTEM_STATE to a folder "
            "that every account may pass through."
        )
    link.symlink_to(target)
    return target


def _initialise(programs: Programs, account: Account | None, data: Path, *, durable: bool) -> None:
    """Run initdb beside and rename, so that a killed first start leaves nothing half made."""
    data.parent.mkdir(exist_ok=True)
    data.parent.chmod(0o711 if account else 0o700)
    beside = data.with_name("data.new")
    shutil.rmtree(beside, ignore_errors=True)
    _own_folder(beside, account)
    argv = [programs.path("initdb"), "-D", str(beside), "-U", USER, "--auth=trust", "-E", "UTF8"]
    result = subprocess.run(  # noqa: S603
        argv if durable else [*argv, "--no-sync"],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        start_new_session=True,
        **(account.popen_arguments() if account else {}),
    )
    if result.returncode != 0:
        raise PartFailed(f"PostgreSQL could not make its data folder: {result.stderr.strip()}")
    beside.rename(data)


def _socket_folder(place: Path, account: Account | None) -> tuple[Path, Path | None]:
    """Return a folder short enough for a socket, and the same again if it is a temporary one."""
    run = place / "run"
    if len(os.fsencode(run / SOCKET_NAME)) <= SOCKET_PATH_MAX_BYTES:
        shutil.rmtree(run, ignore_errors=True)
        _own_folder(run, account)
        return run, None
    personal = os.environ.get("XDG_RUNTIME_DIR", "")
    parent = personal if not account and os.access(personal, os.W_OK) else None
    short = Path(tempfile.mkdtemp(prefix="atelier-", dir=parent))
    if account:
        os.chown(short, account.uid, account.gid)
    return short, short


def _own_folder(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700)
    if account:
        os.chown(folder, account.uid, account.gid)


def _check_owner(data: Path, account: Account | None) -> None:
    owner, ours = data.stat().st_uid, account.uid if account else os.geteuid()
    if owner != ours:
        raise FolderUnusable(
            f"The database in {data} belongs to {account_name(owner)}, and this run would start it "
            f"as {account_name(ours)}. Start as before, or choose another folder with ATELIER_HOME."
        )


def _wait_for_old_server(data: Path) -> None:
    """Wait for a server that an earlier run left behind to end; its guard is seeing to that."""
    deadline = time.monotonic() + OLD_SERVER_SECONDS
    while (pid := _server_pid(data)) is not None:
        if time.monotonic() > deadline:
            raise PartFailed(
                f"An earlier PostgreSQL (process {pid}) still runs on {data}. "
                f"Stop it with: kill -INT {pid}."
            )
        time.sleep(0.05)


def _server_pid(data: Path) -> int | None:
    """Process of a living server on this data folder, from its postmaster.pid."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        cwd = Path(f"/proc/{pid}/cwd").readlink()  # a server changes into its data folder
    except (OSError, ValueError):
        return None
    return pid if start_ticks(pid) is not None and cwd == data else None
