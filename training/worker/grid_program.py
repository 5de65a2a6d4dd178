"""Run as a process: draws a preview grid from a JSON plan; torch is loaded here only.

    python -m training.worker.grid_program PLAN.json

The plan: {"config": TOML path, "folder": where pictures go, "prompts": [...], "files": [...],
"weights": [...], "batches": [{"guidance": 7.0, "seed": 1}, ...]}. Each cell is told on standard
output as one JSON line {"batch", "row", "column", "path"}: rows are prompts, column 0 is the base
alone, then files times weights. Exit codes: 0 done, 1 failed after a line {"failed": code,
"message"}. Killing it at any time is safe.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from training.engine.errors import EngineError
from training.engine.threads import wait_passively

if TYPE_CHECKING:
    from training.engine.grids import GridCell

EXIT_FAILED = 1


def main(plan_path: str) -> int:
    """Draw the plan; returns the exit code."""
    wait_passively()
    out = _own_output()
    plan = json.loads(Path(plan_path).read_text(encoding="utf-8"))
    try:
        _draw(plan, out)
    except EngineError as error:
        _tell(out, failed=error.code, message=str(error))
        return EXIT_FAILED
    except Exception as error:
        # As in training: what the engine does not know would end the same way again.
        traceback.print_exc()
        _tell(out, failed="internal_error", message=f"{type(error).__name__}: {error}")
        return EXIT_FAILED
    return 0


def _draw(plan: dict[str, Any], out: IO[str]) -> None:
    from training.engine.components import load_components
    from training.engine.config import TrainConfig
    from training.engine.grids import GridPlan, make_grid
    from training.engine.precision import choose, describe_machine, set_threads
    from training.engine.prompts import parse_prompt

    config = TrainConfig.from_toml(Path(plan["config"])).resolved()
    precision = choose(describe_machine(measure_bf16=False))
    set_threads(precision)
    components = load_components(config, precision)
    requests = tuple(parse_prompt(line, config) for line in plan["prompts"])
    for number, batch in enumerate(plan["batches"]):
        axes = GridPlan(
            requests=requests,
            files=tuple(Path(path) for path in plan["files"]),
            weights=tuple(plan["weights"]),
            guidances=(batch["guidance"],),
            seeds=(batch["seed"],),
        )
        make_grid(
            config,
            components,
            axes,
            folder=Path(plan["folder"]) / f"batch-{number:02d}",
            on_cell=_teller(out, number),
        )


def _teller(out: IO[str], batch: int) -> Callable[[GridCell], None]:
    def tell(cell: GridCell) -> None:
        _tell(out, batch=batch, row=cell.row, column=cell.column, path=str(cell.path))

    return tell


def _tell(out: IO[str], **data: Any) -> None:
    out.write(json.dumps(data) + "\n")
    out.flush()


def _own_output() -> IO[str]:
    """Standard output for ourselves; what libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
