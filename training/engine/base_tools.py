"""The two commands that the demonstration site uses: draw from a base, write it as one file.

python -m training.engine.base_tools draw BASE PROMPTS.txt OUT_DIR [--name N] [--sha256 H]
python -m training.engine.base_tools checkpoint BASE OUT.safetensors

People use `python -m training.engine sample` and `convert`, which go the same way.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from training.engine.threads import wait_passively


def draw(
    base: Path, prompts: Sequence[str], folder: Path, *, name: str = "", sha256: str = ""
) -> list[Path]:
    """Write one PNG for each prompt line (kohya's form), with its generation data inside.

    The size is the base's own unless a line says `--w` and `--h`.
    """
    from training.engine import drawing

    config, components = drawing.open_base(drawing.BaseChoice(base, name=name, sha256=sha256))
    made = drawing.draw(
        components,
        config,
        drawing.requests_of(prompts, config),
        path_of=lambda number: folder / f"p{number:02d}.png",
        on_picture=lambda _: None,
    )
    return [picture.path for picture in made]


def write_checkpoint(base: Path, path: Path) -> None:
    """Write a base model in diffusers layout as one fp16 safetensors file with ldm keys."""
    import torch

    from training.engine.tools.convert import ConvertOptions, convert_to_file

    convert_to_file(base, path, ConvertOptions(torch.float16))


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
    lines = given.prompts.read_text(encoding="utf-8").splitlines()
    draw(given.base, lines, given.folder, name=given.name, sha256=given.sha256)


if __name__ == "__main__":
    main()
