"""What torch reads from the environment as it is loaded: must be said before that."""

from __future__ import annotations

import os
from collections.abc import Mapping

CHOICES: Mapping[str, str] = {
    # Waiting threads sleep instead of spin. With two threads on two cores, anything else that runs
    # (a browser, the web process) keeps one thread off its core while the other spins for it: under
    # such a load the same pictures took 2.6 to 3 times as long, in time and in CPU seconds.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Pages of 2 MiB behind large tensors. A step of SD 1.5 on a CPU has at most 20,000 page faults
    # with them, often ten, and 40,000 without (0.15 of 8 s); the first step, which lays out
    # weights, 200,000 instead of 1,470,000. Systems without such pages refuse quietly.
    "THP_MEM_ALLOC_ENABLE": "1",
}


def choose_for_torch() -> None:
    """Say these unless whoever started the process chose otherwise."""
    for name, value in CHOICES.items():
        os.environ.setdefault(name, value)
