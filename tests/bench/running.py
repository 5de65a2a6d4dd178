"""Runs a trainer under the instrument and reads what it wrote down."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.trainers import Program

INSTRUMENT = Path(__file__).with_name("instrument.py")
LAST_LINES = 3
COUNTED_STEP = 3


@dataclass(frozen=True)
class Run:
    """What a run has used: CPU seconds at the end of each step, bytes at the last of them."""

    at: tuple[float, ...]
    peak_bytes: int
    operations: int = 0
    syncs: int = 0

    @property
    def step(self) -> float:
        """Return the CPU seconds of a step: the median of all but the first."""
        return statistics.median(b - a for a, b in zip(self.at, self.at[1:], strict=False))

    @property
    def startup(self) -> float:
        """Return the CPU seconds up to the first step, which itself counts as an ordinary one."""
        return max(0.0, self.at[0] - self.step)


class RunFailedError(Exception):
    """A trainer ended without the steps that were asked for."""


def run(program: Program, *, steps: int, timeout_seconds: float, count: bool = False) -> Run:
    """Run a trainer on one thread for so many steps. Raises RunFailedError with its last words."""
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as name:
        marks, log = Path(name) / "marks.jsonl", Path(name) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(program, marks, steps, count=count),
                cwd=program.folder,
                env=environment(program),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                output.write(b"It took longer than it may.\n")
            finally:
                process.kill()
                process.wait()
        lines = marks.read_text().splitlines() if marks.exists() else []
        found = read_marks([json.loads(line) for line in lines])
        if len(found.at) < steps:
            words = log.read_text("utf-8", "replace").strip().splitlines()[-LAST_LINES:]
            raise RunFailedError(f"{program.name}: {' / '.join(words)}")
    return found


def environment(program: Program) -> dict[str, str]:
    """Return one thread, no network, and nothing that could fill the disk of a home folder."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "CUDA_VISIBLE_DEVICES": "",
        **program.environment,
    }


def read_marks(rows: list[dict[str, float]]) -> Run:
    """Return a run from the lines that the instrument wrote."""
    steps = [row for row in rows if "step" in row]
    counts = next((row for row in rows if "operations" in row), {})
    return Run(
        at=tuple(row["cpu_seconds"] for row in steps),
        peak_bytes=int(steps[-1]["peak_bytes"]) if steps else 0,
        operations=int(counts.get("operations", 0)),
        syncs=int(counts.get("syncs", 0)),
    )


def _command(program: Program, marks: Path, steps: int, *, count: bool) -> list[str]:
    command = [str(program.python), str(INSTRUMENT), "--marks", str(marks)]
    command += ["--stop-after", str(steps)]
    if count:
        command += ["--count-in", str(COUNTED_STEP)]
    for constant in program.constants:
        command += ["--set", constant]
    return [*command, *program.arguments]
