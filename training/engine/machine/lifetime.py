"""How a process that computes begins and ends: torch is much to load, and much to take apart."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable
from typing import NoReturn


def load_torch() -> None:
    """Load torch, and let the collector of garbage never look at it.

    All that is loaded stays. To look through it meanwhile and again later finds nothing, and takes
    an eighth of the CPU seconds before the first step of a small run.
    """
    if "torch" in sys.modules:
        return
    gc.disable()
    try:
        import torch  # noqa: F401  here for what comes after

        gc.freeze()
    finally:
        gc.enable()


def run_and_leave(program: Callable[[], int]) -> NoReturn:
    """Run a program, and end this process with its exit code: at once, but in order.

    What was to be done at the end is done, and what was printed is written. Only the modules are
    not taken apart piece by piece, which takes torch's a CPU second and frees nothing that the
    end of a process does not. Call it before anything is loaded that registers such an end.
    """
    code: list[int] = []

    def leave() -> None:
        if code:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code[0])

    atexit.register(leave)  # the first to be registered is the last to be called
    code.append(program())
    sys.exit(code[0])
