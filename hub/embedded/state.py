"""The data folder of one installation: who holds it, and the secrets it keeps."""

import fcntl
import json
import os
import pwd
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from hub.embedded.errors import FolderTaken, FolderUnusable
from hub.embedded.liveness import is_alive, start_ticks

PRIVATE_FOLDERS = ("secrets", "logs", "valkey", "storage", "renditions", "jobs", "beat")
DYING_SECONDS = 20.0


@dataclass(frozen=True)
class Holder:
    """The run that holds a data folder."""

    pid: int
    start_ticks: int
    since: str
    address: str

    def sentence(self, home: Path) -> str:
        """Who holds the folder and what to do about it."""
        return (
            f"The data folder {home} is in use by process {self.pid}, which has served "
            f"{self.address} since {self.since}. Stop it with Ctrl-C in its terminal or with "
            f"`kill -INT {self.pid}`, or choose another folder with ATELIER_HOME and another "
            "port with PORT."
        )


class Home:
    """A data folder on disk.

    Ours alone (0700). Started as root it is 0711 instead, since PostgreSQL must reach its part
    of it under another account; everything else inside stays 0700.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_fd = -1

    @property
    def lock_fd(self) -> int:
        """Descriptor that carries the lock; a child that inherits it keeps the folder held."""
        return self._lock_fd

    @property
    def logs(self) -> Path:
        """Folder of the log files, one for each part."""
        return self.path / "logs"

    def create(self) -> None:
        """Make the folder and its private parts; raises FolderUnusable if it is not ours."""
        try:
            if not self.path.exists():
                self.path.mkdir(parents=True)
                self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            owner = self.path.stat().st_uid
            if owner != os.geteuid():
                raise FolderUnusable(_foreign(self.path, owner))
            for name in PRIVATE_FOLDERS:
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise FolderUnusable(
                f"The data folder {self.path} cannot be used: {error.strerror}. "
                "Set ATELIER_HOME to a folder that you may write."
            ) from error

    def take(self, address: str) -> None:
        """Hold the folder until release() or our end; raises FolderTaken, naming the holder.

        A run that was killed leaves its parts a moment to end. Its guard keeps the lock for that
        time, so a dead holder is waited for.
        """
        fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + DYING_SECONDS
        while not _flock(fd):
            holder = _read_holder(fd)
            if holder and is_alive(holder.pid, holder.start_ticks):
                os.close(fd)
                raise FolderTaken(holder.sentence(self.path))
            if time.monotonic() > deadline:
                os.close(fd)
                raise FolderTaken(
                    f"The data folder {self.path} is still held by parts of an earlier run. "
                    "Wait a few seconds and start again."
                )
            time.sleep(0.05)
        self._lock_fd = fd
        since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        mine = Holder(os.getpid(), start_ticks(os.getpid()) or 0, since, address)
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(asdict(mine)).encode(), 0)

    def release(self) -> None:
        """Let the folder go."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def secret(self, name: str) -> str:
        """Value of a secret of this installation, made on first use and kept with mode 0600."""
        path = self.secret_path(name)
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text().strip()

    def secret_path(self, name: str) -> Path:
        """Where a secret is kept."""
        return self.path / "secrets" / name

    def is_done(self, step: str) -> bool:
        """Whether something that happens once (demo content, first greeting) has happened."""
        return (self.path / f"{step}.done").exists()

    def mark_done(self, step: str) -> None:
        """Remember that something that happens once has happened."""
        (self.path / f"{step}.done").touch(mode=0o600)


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by us only."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(f"{text}\n")
    beside.replace(path)


def _flock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_holder(fd: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(fd, 4096, 0)))
    except (ValueError, TypeError):
        return None  # the holder has the lock but has not written its name yet


def _foreign(path: Path, owner: int) -> str:
    return (
        f"The data folder {path} belongs to {account_name(owner)}, and this is "
        f"{account_name(os.geteuid())}. Start as {account_name(owner)}, or choose another folder "
        "with ATELIER_HOME."
    )


def account_name(uid: int) -> str:
    """Name of an account, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
