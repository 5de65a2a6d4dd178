"""How the program's arguments are read: files with a weight, number formats, shares. Torch-free."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.errors import EngineError

if TYPE_CHECKING:
    import torch

    Command = argparse.ArgumentParser
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DTYPES = ("keep", "fp32", "fp16", "bf16")


@dataclass(frozen=True)
class WeightedFile:
    """A file with its strength."""

    path: Path
    weight: float


def weighted_file(text: str) -> WeightedFile:
    """Read FILE or FILE:WEIGHT."""
    name, _, weight = text.rpartition(":")
    try:
        found = WeightedFile(Path(name), float(weight)) if name else WeightedFile(Path(text), 1.0)
    except ValueError:
        return WeightedFile(Path(text), 1.0)
    if not math.isfinite(found.weight):
        raise argparse.ArgumentTypeError(f"the weight of {name} is no finite number: {weight}")
    return found


def number_within(least: float, most: float) -> Callable[[str], float]:
    """Return a reader of numbers between two limits, both included."""

    def read(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    read.__name__ = "number"  # what argparse calls it, where it is none
    return read


def whole_number_within(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers between two limits, both included."""

    def read(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
        return value

    read.__name__ = "whole number"
    return read


share = number_within(0, 1)


def add_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], text: str
) -> Command:
    """Add a subcommand whose help begins with a sentence."""
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=lambda options: _in_words(run, options))
    return command


def _in_words(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Run a command; what the system refuses (no room, no right) is told without a traceback."""
    try:
        return run(options)
    except OSError as error:
        place = f" at {error.filename}" if error.filename else ""
        raise EngineError(
            f"A file could not be read or written{place}: {error.strerror or error}. Nothing "
            "half-written was left. Check the path, its rights and the room on the disk."
        ) from error


def add_output(command: Command, *, default: str, formats: tuple[str, ...] = DTYPES) -> None:
    """Add the file to write and its number format."""
    command.add_argument("--out", type=Path, required=True, help="File to write (.safetensors).")
    command.add_argument(
        "--dtype", choices=formats, default=default, help=f"Number format; {default} by default."
    )


def dtype_of(name: str) -> torch.dtype | None:
    """Return torch's dtype, or None to keep what is there."""
    from training.engine.machine.precision import torch_dtype

    return None if name == "keep" else torch_dtype(name)


def required_dtype(name: str) -> Any:
    """Return torch's dtype for fp32, fp16 or bf16."""
    from training.engine.machine.precision import torch_dtype

    return torch_dtype(name)
