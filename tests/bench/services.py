"""How long the embedded services take to come up, first and later, and to stop."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hub.embedded.state import Home
from tests.bench.rows import Result
from tests.hub.embedded.bench_start import ROUNDS, start_and_stop


def services() -> Iterator[Result]:
    """Yield seconds of the wall clock, with nothing to compare them with."""
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as name:
        Path(name).chmod(0o711)
        home = Home(Path(name) / "home")
        home.create()
        first, _ = start_and_stop(home)
        later = [start_and_stop(home) for _ in range(ROUNDS)]
    yield Result("embedded services: seconds of the first start", ours=first)
    ups, downs = zip(*later, strict=True)
    yield Result("embedded services: seconds of a later start", ours=statistics.median(ups))
    yield Result("embedded services: seconds of a stop", ours=statistics.median(downs))
