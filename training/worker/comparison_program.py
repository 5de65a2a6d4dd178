"""Run as a process: draws a comparison from a JSON plan; torch is loaded here only.

    python -m training.worker.comparison_program PLAN.json

The plan: {"folder": where pictures go, "library": [folders of the files that prompts name],
"settings": {"negative", "steps", "guidance", "sampler", "width", "height", "clip_skip"},
"columns": [{"column": id, "base": {"path", "name", "sha256"}, "vae": path or "", "file": path or
"", "weight": 0.8, "pictures": [{"row", "prompt", "seed"}]}]}.
Each picture is told on standard output as one JSON line {"column", "row", "seed", "path"}. Columns
with the same base and VAE stand together, so that each is loaded once. Killing it is safe.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.machine.lifetime import run_and_leave
from training.worker.told_output import Tell, plan_from_arguments, run_plan

if TYPE_CHECKING:
    from training.engine.components import Components
    from training.engine.config.train import TrainConfig
    from training.engine.samples.drawing import DrawnPicture
    from training.engine.samples.prompts import PromptRequest


PLACE = "Name a model for this base that you may use, by the name of its file."


def draw(plan: dict[str, Any], tell: Tell) -> None:
    """Draw the columns of a plan."""
    from training.engine.samples.drawing import BaseChoice, open_base

    chosen = plan["settings"]
    folder = Path(plan["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    for _key, columns in groupby(plan["columns"], key=_loaded):
        alike = list(columns)
        base, vae = alike[0]["base"], alike[0]["vae"]
        config, components = open_base(
            BaseChoice(
                Path(base["path"]),
                name=base["name"],
                sha256=base["sha256"],
                vae=Path(vae) if vae else None,
                clip_skip=chosen["clip_skip"],
            )
        )
        for column in alike:
            _draw_column(column, plan, config, components, tell=tell)


def _loaded(column: dict[str, Any]) -> tuple[str, str]:
    """What has to be loaded for a column."""
    return column["base"]["path"], column["vae"]


def _draw_column(
    column: dict[str, Any],
    plan: dict[str, Any],
    config: TrainConfig,
    components: Components,
    *,
    tell: Tell,
) -> None:
    from training.engine.samples import drawing
    from training.engine.samples.applying import AppliedFile
    from training.engine.samples.resource_library import ResourceLibrary

    chosen, folder = plan["settings"], Path(plan["folder"])
    wanted = column["pictures"]
    always = [AppliedFile(Path(column["file"]), column["weight"])] if column["file"] else []

    def path_of(number: int) -> Path:
        return folder / f"{column['column']}-{number:03d}.png"

    def on_picture(picture: DrawnPicture) -> None:
        one = wanted[picture.number]
        tell(column=column["column"], row=one["row"], seed=one["seed"], path=str(picture.path))

    drawing.draw(
        components,
        config,
        [_request(one, chosen, config) for one in wanted],
        path_of=path_of,
        on_picture=on_picture,
        library=ResourceLibrary([Path(path) for path in plan["library"]], place=PLACE),
        always=always,
    )


def _request(one: dict[str, Any], chosen: dict[str, Any], config: TrainConfig) -> PromptRequest:
    """A picture at the chosen settings; a size that is not chosen is the base's own, in pixels."""
    from training.engine.samples.prompts import PromptRequest
    from training.engine.samples.samplers import usable_sampler

    return PromptRequest(
        prompt=one["prompt"],
        negative=chosen["negative"],
        width=(chosen["width"] or config.resolution) // 8 * 8,
        height=(chosen["height"] or config.resolution) // 8 * 8,
        steps=chosen["steps"],
        guidance=chosen["guidance"],
        seed=one["seed"],
        sampler=usable_sampler(chosen["sampler"]),
    )


if __name__ == "__main__":
    run_and_leave(lambda: run_plan(plan_from_arguments(), draw))
