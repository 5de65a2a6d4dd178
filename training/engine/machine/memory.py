"""How much memory is left, telling an exhausted one from other errors, going on with less."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

Made = TypeVar("Made")
NO_MORE = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
KIB = 1024
CONTROL_GROUP = Path("/sys/fs/cgroup")  # of version 2; a container sees its own here
ROOM_FOR_TURNED_COPIES = 12 * 2**30
"""Memory of a machine from which weights may lie in it twice, where that saves time.

With them a run of SD 1.5 at 256 px takes 6.5 GiB.
"""


def free_memory(
    device: str, *, machine: Path = Path("/proc/meminfo"), group: Path = CONTROL_GROUP
) -> int:
    """Return the bytes that a run may still take: of the card, else of the machine or container.

    0 where nobody knows. `machine` and `group` are the files of Linux that tell.
    """
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    free = _told_by_machine(machine, "MemAvailable")
    limit, used = _told_by_group(group, "memory.max"), _told_by_group(group, "memory.current")
    return free if limit is None or used is None else min(free, max(0, limit - used))


def has_room_for_turned_copies(
    *, machine: Path = Path("/proc/meminfo"), group: Path = CONTROL_GROUP
) -> bool:
    """Tell whether the machine, or the container, has memory enough to keep weights twice.

    What is free at the moment does not count: how a product is made decides how it is rounded, and
    the same run has to leave the same bytes on the same machine.
    """
    total = _told_by_machine(machine, "MemTotal")
    limit = _told_by_group(group, "memory.max")
    return min(total, total if limit is None else limit) >= ROOM_FOR_TURNED_COPIES


def _told_by_machine(machine: Path, name: str) -> int:
    """Return one of the figures of /proc/meminfo in bytes, 0 where it is not told."""
    try:
        lines = machine.read_text(encoding="ascii").splitlines()
        return KIB * next(int(line.split()[1]) for line in lines if line.startswith(name))
    except (OSError, StopIteration, ValueError):
        return 0


def _told_by_group(group: Path, name: str) -> int | None:
    """Return one of a container's figures in bytes, None where it has no limit."""
    try:
        text = (group / name).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return None if text == "max" else int(text)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether a device, or the machine itself, had no more memory to give."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in NO_MORE)
    )


def let_go(device: str) -> None:
    """Give memory that is kept for later back to the device."""
    if device == "cuda":
        torch.cuda.empty_cache()


def going_on(attempt: Callable[[], Made], give_way: Callable[[str], None]) -> Made:
    """Return what an attempt returns; where memory runs out, give way and attempt it again.

    `give_way` gets the error's text, and raises OutOfMemoryError where nothing is left to give.
    """
    while True:
        try:
            return attempt()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            reason = str(error)
        give_way(reason)  # outside the handler, which would keep the tensors alive
