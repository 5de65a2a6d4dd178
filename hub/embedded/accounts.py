"""The account under which PostgreSQL runs when we are root: it refuses to run as root itself."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.embedded.errors import FolderUnusable

CANDIDATES = ("atelier", "postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """Arguments that make a subprocess run as this account, and nothing of root with it."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def service_account() -> Account | None:
    """Return the account for PostgreSQL: None (our own) unless we are root.

    It must be in the user database: initdb looks its own number up there.
    """
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise FolderUnusable(
        "PostgreSQL does not run as root, and none of these accounts exists: "
        f"{', '.join(CANDIDATES)}. Create one (useradd --system atelier), start as an ordinary "
        "user, or set DATABASE_URL to a server."
    )


def can_enter(account: Account | None, folder: Path) -> bool:
    """Whether the account may pass through a folder, as the kernel sees it."""
    if account is None:
        return os.access(folder, os.X_OK)
    test = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
        check=False,
        cwd="/",
        stderr=subprocess.DEVNULL,
        **account.popen_arguments(),
    )
    return test.returncode == 0


def can_run(account: Account | None, program: Path) -> bool:
    """Whether the account can start a program of ours that knows --version."""
    arguments = account.popen_arguments() if account else {}
    try:
        test = subprocess.run(  # noqa: S603
            [str(program), "--version"], check=False, cwd="/", capture_output=True, **arguments
        )
    except PermissionError:
        return False
    return test.returncode == 0
