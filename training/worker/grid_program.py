"""Run as a process: draws a preview grid from a JSON plan; torch is loaded here only.

    python -m training.worker.grid_program PLAN.json

The plan: {"config": TOML path, "folder": where pictures go, "prompts": [...], "library": [folders
of the files that prompts name], "files": [...], "weights": [...], "batches": [{"guidance": 7.0,
"seed": 1}, ...]}. Each cell is told on standard
output as one JSON line {"batch", "row", "column", "path"}: rows are prompts, column 0 is the base
alone, then files times weights. Exit codes: 0 done, 1 failed after a line {"failed": code,
"message"}. Killing it at any time is safe.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.machine.lifetime import run_and_leave
from training.worker.told_output import Tell, plan_from_arguments, run_plan

if TYPE_CHECKING:
    from training.engine.samples.grids import GridCell


PLACE = "Name a model for this base that you may use, by the name of its file."


def draw(plan: dict[str, Any], tell: Tell) -> None:
    """Draw the grids of a plan."""
    from training.engine.components import load_components
    from training.engine.config.train import TrainConfig
    from training.engine.machine.precision import choose, describe_machine, set_threads
    from training.engine.samples.grids import GridPlan, make_grid
    from training.engine.samples.prompts import parse_prompt
    from training.engine.samples.resource_library import ResourceLibrary

    config = TrainConfig.from_toml(Path(plan["config"])).resolved()
    precision = choose(describe_machine(measure_bf16=False))
    set_threads(precision)
    components = load_components(config, precision)
    library = ResourceLibrary([Path(path) for path in plan["library"]], place=PLACE)
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
            on_cell=_teller(tell, number),
            library=library,
        )


def _teller(tell: Tell, batch: int) -> Callable[[GridCell], None]:
    def on_cell(cell: GridCell) -> None:
        tell(batch=batch, row=cell.row, column=cell.column, path=str(cell.path))

    return on_cell


if __name__ == "__main__":
    run_and_leave(lambda: run_plan(plan_from_arguments(), draw))
