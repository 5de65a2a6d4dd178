"""The commands that draw: sample and grid."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.commands.arguments import (
    add_command,
    number_within,
    share,
    weighted_file,
    whole_number_within,
)
from training.engine.config.prompt_lines import UPSCALERS
from training.engine.errors import ConfigError
from training.engine.machine.lifetime import load_torch
from training.engine.samples.prompt_troubles import prompt_troubles
from training.engine.samples.prompts import HiresFix, StartPicture
from training.engine.samples.samplers import FALLBACK, SAMPLERS, sampler_name

if TYPE_CHECKING:
    from training.engine.commands.arguments import Command, Commands
    from training.engine.components import Components
    from training.engine.config.train import TrainConfig
    from training.engine.samples.drawing import DrawnPicture
    from training.engine.samples.grids import GridCell

side = whole_number_within(64, 2048)
steps = whole_number_within(1, 150)
guidance = number_within(0, 30)
seed = whole_number_within(0, 2**32 - 1)
HIRES_DENOISING, START_DENOISING = 0.7, 0.75  # as A1111's pages begin with


def add_commands(commands: Commands) -> None:
    """Add sample and grid."""
    sample = add_command(commands, "sample", _sample, "Draw pictures, one for each prompt.")
    _add_shared(sample)
    sample.add_argument("--seed", type=seed, default=1, help="Of the first; the next count up.")
    sample.add_argument("--guidance", type=guidance, default=7.0, help="CFG scale; 7 by default.")
    sample.add_argument(
        "--file",
        type=weighted_file,
        action="append",
        default=[],
        dest="files",
        metavar="FILE[:WEIGHT]",
        help="LoRA, embedding or hypernetwork for all of them; may be repeated.",
    )
    _add_start(sample)
    grid = add_command(
        commands,
        "grid",
        _grid,
        "Draw prompts x checkpoints x weights x guidance x seeds, one sheet.",
    )
    _add_shared(grid)
    _add_axes(grid)


def _add_shared(command: Command) -> None:
    command.add_argument("prompts", nargs="*", help="In kohya's form: text --n negative --w 512 …")
    command.add_argument("--prompts-file", type=Path, help="File of prompts, one a line.")
    command.add_argument("--base", type=Path, help="Base model; else the bundled one.")
    command.add_argument("--name", default="", help="Name of the base in the generation data.")
    command.add_argument("--vae", type=Path, help="Another VAE: a file or a folder.")
    command.add_argument(
        "--library",
        type=Path,
        action="append",
        default=[],
        help="Folder of files for <lora:name:0.7> and embeddings by name; may be repeated.",
    )
    command.add_argument(
        "--size", type=side, default=0, help="Side in pixels; else the base's own."
    )
    command.add_argument("--negative", default="", help="Negative prompt for lines without --n.")
    command.add_argument("--steps", type=steps, default=20, help="Steps; 20 by default.")
    command.add_argument(
        "--sampler", default=FALLBACK, help=f"{FALLBACK} by default. One of: {', '.join(SAMPLERS)}."
    )
    command.add_argument(
        "--clip-skip",
        type=whole_number_within(1, 12),
        default=1,
        help="Layer from the end, 1 to 12.",
    )
    command.add_argument("--out", type=Path, default=Path("samples"), help="Folder to write to.")
    command.add_argument(
        "--json", action="store_true", help="Tell each picture as a line of JSON, as it is made."
    )


def _add_start(command: Command) -> None:
    command.add_argument("--hires", type=number_within(1, 4), help="Hires fix: how much larger.")
    command.add_argument(
        "--hires-steps",
        type=whole_number_within(0, 150),
        default=0,
        help="0: as in the first pass.",
    )
    command.add_argument("--hires-upscaler", choices=UPSCALERS, default="Latent")
    command.add_argument("--init", type=Path, help="Picture to start from (img2img).")
    command.add_argument("--mask", type=Path, help="Mask for --init: white is painted anew.")
    command.add_argument(
        "--mask-blur", type=whole_number_within(0, 64), default=4, help="In pixels; 4 by default."
    )
    command.add_argument(
        "--denoise", type=share, help="Share of noise, 0 to 1: 0.75 for --init, 0.7 for --hires."
    )


def _add_axes(command: Command) -> None:
    def axis(name: str, kind: Any, dest: str, text: str) -> None:
        command.add_argument(name, type=kind, action="append", default=[], dest=dest, help=text)

    axis("--file", Path, "files", "LoRA, embedding, hypernetwork or checkpoint; may be repeated.")
    axis("--weight", number_within(-10, 10), "weights", "Weight of the files; may be repeated.")
    axis("--guidance", guidance, "guidances", "CFG scale; may be repeated. 7 if left out.")
    axis("--seed", seed, "seeds", "Seed; may be repeated. 1 if left out.")
    command.add_argument("--no-base", action="store_true", help="No column for the base alone.")


def _sample(options: argparse.Namespace) -> int:
    load_torch()
    from training.engine.samples import drawing
    from training.engine.samples.applying import AppliedFile
    from training.engine.samples.resource_library import ResourceLibrary

    lines = _lines(options)
    start = _start(options)
    library = ResourceLibrary(options.library)
    config, components = _opened(options, seed=options.seed, guidance=options.guidance)
    _tell_troubles(lines, config)
    requests = [
        replace(request, hires=_hires(options), start=start)
        for request in drawing.requests_of(lines, config)
    ]

    def tell(picture: DrawnPicture) -> None:
        facts = {"number": picture.number, "path": str(picture.path), "seed": picture.request.seed}
        sys.stdout.write(f"{json.dumps(facts) if options.json else picture.path}\n")
        sys.stdout.flush()

    drawing.draw(
        components,
        config,
        requests,
        path_of=lambda number: options.out / f"p{number:02d}.png",
        on_picture=tell,
        library=library,
        always=[AppliedFile(file.path, file.weight) for file in options.files],
    )
    return 0


def _grid(options: argparse.Namespace) -> int:
    load_torch()
    from training.engine.samples import drawing
    from training.engine.samples.grids import GridPlan, make_grid
    from training.engine.samples.resource_library import ResourceLibrary

    lines = _lines(options)
    library = ResourceLibrary(options.library)
    guidance = options.guidances[0] if options.guidances else 7.0
    config, components = _opened(options, seed=1, guidance=guidance)
    _tell_troubles(lines, config)
    plan = GridPlan(
        tuple(drawing.requests_of(lines, config)),
        files=tuple(options.files),
        weights=tuple(options.weights) or (1.0,),
        guidances=tuple(options.guidances),
        seeds=tuple(options.seeds) or (1,),
        with_base=not options.no_base,
    )

    def tell(cell: GridCell) -> None:
        facts = json.dumps({**asdict(cell), "path": str(cell.path)}, ensure_ascii=False)
        (sys.stdout if options.json else sys.stderr).write(
            f"{facts if options.json else cell.path}\n"
        )
        sys.stdout.flush()

    sheet = make_grid(config, components, plan, folder=options.out, on_cell=tell, library=library)
    sys.stdout.write(f"{json.dumps({'sheet': str(sheet)}) if options.json else sheet}\n")
    return 0


def _lines(options: argparse.Namespace) -> list[str]:
    lines = list(options.prompts)
    if options.prompts_file is not None:
        try:
            lines += options.prompts_file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The file of prompts {options.prompts_file} cannot be read: {error}"
            ) from error
    if not any(line.strip() and not line.strip().startswith("#") for line in lines):
        raise ConfigError("There is no prompt. Give one in quotes, or a file with --prompts-file.")
    return lines


def _tell_troubles(lines: list[str], config: TrainConfig) -> None:
    asked = config.model_copy(update={"sample_prompts": lines})
    sys.stderr.writelines(f"{sentence}\n" for sentence in prompt_troubles(asked))


def _opened(
    options: argparse.Namespace, *, seed: int, guidance: float
) -> tuple[TrainConfig, Components]:
    from training.base_models.tiny.location import tiny_base_dir
    from training.engine.samples.drawing import BaseChoice, open_base

    bundled = "" if options.base else "Atelier Tiny"
    return open_base(
        BaseChoice(
            options.base or tiny_base_dir(),
            name=options.name or bundled,
            vae=options.vae,
            clip_skip=options.clip_skip,
            pixels=options.size,
            sampling={
                "sampler": sampler_name(options.sampler),
                "steps": options.steps,
                "guidance": guidance,
                "negative": options.negative,
                "seed": seed,
            },
        )
    )


def _hires(options: argparse.Namespace) -> HiresFix | None:
    if options.hires is None:
        return None
    share = HIRES_DENOISING if options.denoise is None else options.denoise
    return HiresFix(options.hires, share, options.hires_steps, options.hires_upscaler)


def _start(options: argparse.Namespace) -> StartPicture | None:
    if options.init is None:
        if options.mask is not None:
            raise ConfigError("A mask needs a picture to start from. Give one with --init.")
        return None
    if options.hires is not None:
        raise ConfigError("The hires fix is for pictures from noise. Leave out --hires or --init.")
    for path in (options.init, options.mask):
        if path is not None and not path.is_file():
            raise ConfigError(f"There is no picture {path}. Check the path.")
    share = START_DENOISING if options.denoise is None else options.denoise
    return StartPicture(options.init, share, options.mask, options.mask_blur)
