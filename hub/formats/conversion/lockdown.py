"""Taking from this process whatever a conversion does not need, before it reads a byte.

Layers, each of which would do alone: no new file descriptor (so no file, no socket, no pipe), no
new process, bounded memory, time and output, no right to gain rights; where the kernel permits, a
user and network of its own; and an audit hook that ends the process at the first import, open,
socket or command. Open stay the input (read only), the output and the answer.
"""

import ctypes
import os
import resource
import sys
from dataclasses import dataclass

NOBODY = 65534
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
PR_SET_NO_NEW_PRIVS = 38
FORBIDDEN_STATUS = 77
#: Everything else that Python reports ends the process.
PERMITTED_EVENTS = frozenset({"pickle.find_class", "sys.excepthook", "sys.unraisablehook"})
PERMITTED_PREFIXES = ("cpython.",)


@dataclass(frozen=True)
class Allowance:
    """What the process may use."""

    memory_bytes: int
    cpu_seconds: int
    output_bytes: int


def lock_down(allowance: Allowance) -> None:
    """Give everything else up, for good. Call it after the last import and the last open."""
    give_up_rights(allowance)
    sys.addaudithook(_end_at)


def give_up_rights(allowance: Allowance) -> None:
    """What the kernel holds this process to, whatever Python would do."""
    os.umask(0o077)
    _leave_the_network()
    _become_nobody()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_CPU, allowance.cpu_seconds)
    _limit(resource.RLIMIT_FSIZE, allowance.output_bytes)
    _limit(resource.RLIMIT_AS, allowance.memory_bytes)
    _limit(resource.RLIMIT_NOFILE, 0)


def _limit(kind: int, value: int) -> None:
    _soft, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _leave_the_network() -> None:
    """Own namespaces and no new rights; where the kernel forbids the first, NOFILE is there still.

    Root needs no user namespace, and must not have one: within it there is nobody else to become.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    of_user = 0 if os.geteuid() == 0 else CLONE_NEWUSER
    library.unshare(of_user | CLONE_NEWNET | CLONE_NEWIPC)
    library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _become_nobody() -> None:
    """A worker that runs as root (in a container, say) gives that up: limits do not bind root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def _end_at(event: str, _arguments: tuple[object, ...]) -> None:
    if event in PERMITTED_EVENTS or event.startswith(PERMITTED_PREFIXES):
        return
    os._exit(FORBIDDEN_STATUS)
