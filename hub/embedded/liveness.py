"""Which processes live, told apart from later ones that were given the same number.

Reads /proc only. Imported by the guard, so nothing but the standard library.
"""

from pathlib import Path

PROC = Path("/proc")
MARK = "_ATELIER_RUN"  # no setting: it stays where ATELIER_ variables are kept from a trainer
# Of /proc/<pid>/stat after the name: proc_pid_stat(5), 3, 6 and 22.
STATE_FIELD, SESSION_FIELD, START_FIELD = 0, 3, 19


def start_ticks(pid: int) -> int | None:
    """When a living process was started, in clock ticks since boot; None if there is none."""
    fields = _stat(pid)
    return int(fields[START_FIELD]) if fields else None


def is_alive(pid: int, ticks: int) -> bool:
    """Whether the process that had this number at that time still runs."""
    return start_ticks(pid) == ticks


def marked(run_id: str) -> dict[int, int]:
    """Living processes whose environment carries the run's mark: number to start time."""
    needle = f"{MARK}={run_id}".encode()
    found: dict[int, int] = {}
    for folder in PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            hit = needle in (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # gone, or another account's
            continue
        ticks = start_ticks(int(folder.name)) if hit else None
        if ticks is not None:
            found[int(folder.name)] = ticks
    return found


def left_in_session(leader: int, run_id: str) -> list[int]:
    """Living processes of the run in the session of a leader that has ended."""
    found = []
    for pid in marked(run_id):
        fields = _stat(pid)
        if fields and int(fields[SESSION_FIELD]) == leader:
            found.append(pid)
    return found


def _stat(pid: int) -> list[str]:
    """What the kernel says of a living process, from its state on; nothing of one that ended."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return []
    fields = stat.rpartition(")")[2].split()
    return [] if fields[STATE_FIELD] in "ZX" else fields
