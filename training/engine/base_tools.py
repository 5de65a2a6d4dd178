"""What can be done with a base model alone: draw from it, and write it as one file.

python -m training.engine.base_tools draw BASE PROMPTS.txt OUT_DIR [--name N] [--sha256 H]
python -m training.engine.base_tools checkpoint BASE OUT.safetensors
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from training.engine.config import TrainConfig
from training.engine.precision import choose, describe_machine, set_arithmetic
from training.engine.threads import wait_passively

if TYPE_CHECKING:
    from training.engine.components import Components


def draw(
    base: Path, prompts: Sequence[str], folder: Path, *, name: str = "", sha256: str = ""
) -> list[Path]:
    """Write one PNG for each prompt line (kohya's form), with its generation data inside.

    The size is 128 px for the bundled base and 512 otherwise, unless a line says `--w` and `--h`.
    """
    from training.engine.preview import make_samples
    from training.engine.prompts import prompt_requests
    from training.engine.text import TextConditioner

    config = _config(base, name=name, sha256=sha256, prompts=list(prompts))
    components = _load(config)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"p{number:02d}.png" for number in range(len(prompts))]
    make_samples(
        components,
        TextConditioner(components),
        config,
        dict(enumerate(prompt_requests(config))),
        path_of=lambda number: paths[number],
        trained=None,
        on_sample=lambda *_: None,
    )
    return paths


def write_checkpoint(base: Path, path: Path) -> None:
    """Write a base model in diffusers layout as one fp16 safetensors file with ldm keys."""
    import torch

    from training.engine.checkpoint_layout import checkpoint_tensors
    from training.engine.file_writing import save_tensors, whole_file

    config = _config(base)
    components = _load(config)
    metadata = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": components.architecture.modelspec,
        "modelspec.implementation": components.architecture.implementation,
        "modelspec.title": base.parent.name if base.name == "weights" else base.stem,
        "modelspec.prediction_type": components.prediction_type.removesuffix("_prediction"),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as beside:
        save_tensors(beside, checkpoint_tensors(components, torch.float16, base), metadata)


def _load(config: TrainConfig) -> Components:
    from training.engine.components import load_components

    precision = choose(describe_machine(measure_bf16=False))
    set_arithmetic(precision)  # denormal numbers would make a small model crawl
    return load_components(config, precision)


def _config(
    base: Path, *, name: str = "", sha256: str = "", prompts: Sequence[str] = ()
) -> TrainConfig:
    from training.engine.architectures import detect_family

    family = detect_family(base)
    return TrainConfig.parse(
        {
            "base_model": {
                "path": str(base),
                "name": name,
                "sha256": sha256,
                "architecture": family or "auto",
            },
            "resolution": 128 if family == "tiny" else 512,
            "sample_prompts": list(prompts),
        }
    ).resolved()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command."""
    wait_passively()
    parser = argparse.ArgumentParser(prog="training.engine.base_tools")
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw")
    drawing.add_argument("base", type=Path)
    drawing.add_argument("prompts", type=Path)
    drawing.add_argument("folder", type=Path)
    drawing.add_argument("--name", default="")
    drawing.add_argument("--sha256", default="")
    writing = commands.add_parser("checkpoint")
    writing.add_argument("base", type=Path)
    writing.add_argument("path", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "checkpoint":
        write_checkpoint(given.base, given.path)
        return
    lines = [line for line in given.prompts.read_text(encoding="utf-8").splitlines() if line]
    draw(given.base, lines, given.folder, name=given.name, sha256=given.sha256)


if __name__ == "__main__":
    main()
