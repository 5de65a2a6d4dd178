"""Addresses to listen on: whether one is free, and who has it if not."""

import socket
from dataclasses import dataclass
from pathlib import Path

from hub.embedded.errors import PortTaken, SettingWrong
from hub.embedded.state import account_name

LISTEN = "0A"  # state column of /proc/net/tcp
COMMAND_CHARACTERS = 100
ADDRESS, STATE, UID, INODE = 1, 3, 7, 9  # its columns: proc_net_tcp.txt of the Linux kernel


@dataclass(frozen=True)
class Listener:
    """The process behind a listening port; pid is None where the kernel keeps it from us."""

    pid: int | None
    command: str
    account: str

    def sentence(self) -> str:
        """Name the process as far as it is known."""
        if self.pid is None:
            return f"a process of {self.account}"
        return f"process {self.pid} of {self.account} ({self.command})"


def check_free(host: str, port: int) -> int:
    """Return the port, or a free one for 0; raises PortTaken naming the process that has it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise SettingWrong(f"HOST is {host!r}, which is not an address of this machine.") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except PermissionError as error:
            raise SettingWrong(
                f"PORT is {port}, and this account may not open it. Choose one above 1023."
            ) from error
        except OSError as error:
            raise _refused(host, port) from error
        return int(probe.getsockname()[1])


def free_loopback_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on now."""
    return check_free("127.0.0.1", 0)


def find_listener(port: int) -> Listener | None:
    """Return the process that listens on a TCP port, from /proc; None if nobody does."""
    for table in ("tcp", "tcp6"):
        try:
            rows = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[STATE] == LISTEN and int(columns[ADDRESS].rpartition(":")[2], 16) == port:
                return _listener(uid=int(columns[UID]), inode=columns[INODE])
    return None


def _refused(host: str, port: int) -> PortTaken | SettingWrong:
    listener = find_listener(port)
    if listener is None:
        return SettingWrong(f"HOST is {host!r}; nothing can listen there on port {port}.")
    return PortTaken(
        f"Port {port} of {host} is taken by {listener.sentence()}. Stop it, or choose another "
        f"port: make run PORT={port + 1 if port < 65535 else 8000}."
    )


def _listener(*, uid: int, inode: str) -> Listener:
    pid = _pid_of_socket(inode)
    return Listener(pid=pid, command=_command_of(pid) if pid else "", account=account_name(uid))


def _command_of(pid: int) -> str:
    """Return the start of a process's command line, its program without the folder."""
    try:
        raw = Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:  # ended meanwhile
        return "just ended"
    program, *arguments = raw.decode(errors="replace").rstrip("\0").split("\0")
    return " ".join([Path(program).name, *arguments])[:COMMAND_CHARACTERS]


def _pid_of_socket(inode: str) -> int | None:
    wanted = f"socket:[{inode}]"
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            if any(str(entry.readlink()) == wanted for entry in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:  # ended meanwhile, or another account's
            continue
    return None
