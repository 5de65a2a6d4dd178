"""The commands that read and write kohya's settings: import-kohya and export-kohya."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.engine.commands.arguments import add_command
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.toml_text import toml_text

if TYPE_CHECKING:
    from training.engine.commands.arguments import Commands

SETTINGS_FILE, PROMPTS_FILE = "config.toml", "sample_prompts.txt"


def add_commands(commands: Commands) -> None:
    """Add import-kohya and export-kohya."""
    taking = add_command(
        commands,
        "import-kohya",
        _import,
        "Turn kohya's settings (TOML or JSON) into ours; what has no counterpart is reported.",
    )
    taking.add_argument("file", type=Path)
    taking.add_argument("--sample-prompts", type=Path, help="kohya's file of sample prompts.")
    taking.add_argument("--out", type=Path, help="File to write; else standard output.")
    giving = add_command(
        commands, "export-kohya", _export, "Turn our settings (TOML) into kohya's TOML."
    )
    giving.add_argument("config", type=Path)
    giving.add_argument(
        "--out",
        type=Path,
        help=f"Folder for {SETTINGS_FILE} and {PROMPTS_FILE}; else the settings go to standard "
        "output, without the prompts.",
    )


def _import(options: argparse.Namespace) -> int:
    from training.engine.kohya.files import read_kohya_file
    from training.engine.kohya.prompt_files import read_prompt_file

    found = read_kohya_file(options.file)
    if options.sample_prompts is not None:
        lines = read_prompt_file(options.sample_prompts)
        found = replace(found, settings={**found.settings, "sample_prompts": lines})
    text = TrainConfig.parse(found.settings).to_toml()
    _write(options.out, text)
    sys.stderr.writelines(f"{sentence}\n" for sentence in found.report)
    return 0


def _export(options: argparse.Namespace) -> int:
    from training.engine.kohya.left_out import left_out_for_kohya
    from training.engine.kohya.writing import to_kohya

    config = TrainConfig.from_toml(options.config)
    settings = to_kohya(config)
    sys.stderr.writelines(f"{sentence}\n" for sentence in left_out_for_kohya(config))
    if options.out is None:
        sys.stdout.write(settings)
        return 0
    if config.sample_prompts:
        prompts = options.out / PROMPTS_FILE
        settings += toml_text({"sample_prompts": str(prompts)})
        _write(prompts, "\n".join([*config.sample_prompts, ""]))
    _write(options.out / SETTINGS_FILE, settings)
    return 0


def _write(path: Path | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error
    sys.stdout.write(f"{path}\n")
