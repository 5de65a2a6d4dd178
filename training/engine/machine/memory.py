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


def free_memory(
    device: str, *, machine: Path = Path("/proc/meminfo"), group: Path = CONTROL_GROUP
) -> int:
    """Return the bytes that a run may still take: of the card, else of the machine or container.

    0 where nobody knows. `machine` and `group` are the files of Linux that tell.
    """
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    try:
        lines = machine.read_text(encoding="ascii").splitlines()
        free = KIB * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return 0
    return min(free, _left_in_group(group, free))


def _left_in_group(group: Path, otherwise: int) -> int:
    """Return what a container's limit leaves, where it has one."""
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        used = (group / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return otherwise
    return otherwise if limit == "max" else max(0, int(limit) - int(used))


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
