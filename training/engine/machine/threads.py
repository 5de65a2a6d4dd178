"""How the threads of torch wait for each other. Must be said before torch is loaded."""

from __future__ import annotations

import os


def wait_passively() -> None:
    """Let waiting threads sleep instead of spin, unless the environment says otherwise.

    With two threads on two cores, anything else that runs (a browser, the web process) keeps one
    thread off its core while the other spins for it. Measured on such a machine under load: the
    same pictures took 2.6 to 3 times as long, in time and in CPU seconds, with spinning threads.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
