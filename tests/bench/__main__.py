"""`make bench`: how fast the engine is against the scripts that people use, and what it learns.

    python -m tests.bench [--geometry micro|sd15|all] [--rows WORD,WORD] [--rounds N] [--list]

Prints one JSON line a measure and a table at the end. The peers (kohya's sd-scripts and diffusers)
are found in the folder that PEERS_HOME names, under the Python of their own `.venv` or of
PEERS_PYTHON_SD_SCRIPTS and PEERS_PYTHON_DIFFUSERS; rows without their peer are not called passed.
Exit code: 0 where every figure that was measured is reached.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.geometry import GEOMETRIES, make_base
from tests.bench.machine import describe
from tests.bench.material import make_material
from tests.bench.pairing import Turns
from tests.bench.rows import PAIRS, Result
from tests.bench.trainers import Setting

GROUPS = (
    "services",
    "lora",
    "lora-te",
    "lora-unet",
    "ti",
    "dreambooth",
    "warm",
    "peak",
    "learning",
)
PIXELS = 256
STEPS = 5
LIMIT_SECONDS = {"micro": 900.0, "sd15": 3600.0}


def main() -> int:
    """Measure the chosen rows."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--geometry", choices=[*GEOMETRIES, "all"], default="micro")
    parser.add_argument("--rows", default="", help=f"some of {', '.join(GROUPS)}; all without")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    groups = tuple(options.rows.split(",")) if options.rows else GROUPS
    unknown = set(groups) - set(GROUPS)
    if unknown:
        parser.error(f"There are no rows {', '.join(sorted(unknown))}; choose of {GROUPS}.")
    home = Path(os.environ.get("BENCH_HOME") or Path(tempfile.gettempdir()) / "atelier-bench")
    home.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(describe() + "\n")
    results = []
    for result in _results(groups, options, home):
        results.append(result)
        sys.stdout.write(result.as_json() + "\n")
        sys.stdout.flush()
    sys.stdout.write("\n" + table(results))
    return int(any(result.verdict == "missed" for result in results))


def _results(groups: tuple[str, ...], options: argparse.Namespace, home: Path) -> Iterator[Result]:
    if "services" in groups:
        from tests.bench.services import services

        yield from services()
    names = list(GEOMETRIES) if options.geometry == "all" else [options.geometry]
    for name in reversed(names):  # the small one first
        setting = Setting(
            make_base(GEOMETRIES[name], home), make_material(home, PIXELS), PIXELS, home
        )
        try:
            yield from _speed(groups, setting, options.rounds)
        finally:
            shutil.rmtree(home / "runs", ignore_errors=True)
    if "learning" in groups:
        from tests.bench.learning import figures

        yield from figures(home / "learning")


def _speed(groups: tuple[str, ...], setting: Setting, rounds: int) -> Iterator[Result]:
    name = setting.base.geometry.name
    limit = LIMIT_SECONDS[name]
    turns = Turns(setting, steps=STEPS, timeout_seconds=limit)
    pairs = tuple(pair for pair in PAIRS[name] if pair.row in groups)
    yield from turns.measure(pairs, rounds)
    if "warm" in groups and name == "micro":
        from tests.bench.warm import second_job

        yield second_job(setting, timeout_seconds=limit)
    if "peak" in groups and name == "sd15":
        from tests.bench.peak import share_of_peak

        yield share_of_peak(setting, steps=STEPS, timeout_seconds=limit)


def table(results: list[Result]) -> str:
    """Return the results for people."""
    rows = [("measure", "ours", "peer", "ratio", "must", "strive", "")]
    for result in results:
        figures = (result.ours, result.peer, result.ratio, result.must, result.strive)
        cells = ["" if figure is None else f"{figure:.3g}" for figure in figures]
        rows.append((result.name, *cells, result.verdict))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
