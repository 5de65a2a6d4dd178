"""The commands on model files: merge, merge-lora, combine, extract, resize, convert."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from training.engine.commands.arguments import (
    add_command,
    add_output,
    dtype_of,
    number_within,
    required_dtype,
    share,
    weighted_file,
    whole_number_within,
)

if TYPE_CHECKING:
    from training.engine.commands.arguments import Command, Commands
    from training.engine.files.lazy_tensors import SavedModel
    from training.engine.tools.lora_combine import SmallerLora
    from training.engine.tools.low_rank import RankChoice

MAX_RANK = 4096
LORA_FORMATS = ("fp16", "bf16", "fp32")
MODEL = "Checkpoint file (.safetensors, .ckpt) or folder in diffusers layout."
rank = whole_number_within(1, MAX_RANK)
strength = number_within(-10, 10)


def add_commands(commands: Commands) -> None:
    """Add all commands on model files."""
    _add_merge(commands)
    _add_loras(commands)
    _add_extract(commands)
    _add_convert(commands)


def _add_merge(commands: Commands) -> None:
    merge = add_command(commands, "merge", _merge, "Merge checkpoints, as A1111's merger does.")
    merge.add_argument(
        "models", nargs="+", type=Path, metavar="MODEL", help=f"A, B (and C). {MODEL}"
    )
    merge.add_argument(
        "--mode",
        choices=("weighted-sum", "add-difference"),
        default="weighted-sum",
        help="weighted-sum: A(1-m) + Bm, the default; add-difference: A + m(B - C).",
    )
    merge.add_argument(
        "--multiplier", type=strength, default=0.5, help="m, usually 0 to 1; 0.5 by default."
    )
    _add_checkpoint_options(merge)
    add_output(merge, default="fp16")
    baked = add_command(commands, "merge-lora", _merge_loras, "Merge LoRAs into a checkpoint.")
    baked.add_argument("base", type=Path, help=MODEL)
    baked.add_argument(
        "loras",
        nargs="+",
        type=weighted_file,
        metavar="LORA[:WEIGHT]",
        help="Weight 1 if left out.",
    )
    baked.add_argument("--vae", type=Path, help="VAE to bake in: a file or a folder.")
    add_output(baked, default="fp16")


def _add_loras(commands: Commands) -> None:
    combine = add_command(commands, "combine", _combine, "Make one LoRA out of several.")
    combine.add_argument("loras", nargs="+", type=weighted_file, metavar="LORA[:WEIGHT]")
    combine.add_argument(
        "--rank", type=rank, help="Cut the result to this rank by SVD; else the ranks add up."
    )
    _add_energy(combine)
    add_output(combine, default="fp16", formats=LORA_FORMATS)
    resize = add_command(commands, "resize", _resize, "Make a LoRA smaller by SVD.")
    resize.add_argument("lora", type=Path)
    resize.add_argument("--rank", type=rank, required=True, help="Highest rank of a layer.")
    _add_energy(resize)
    add_output(resize, default="fp16", formats=LORA_FORMATS)


def _add_extract(commands: Commands) -> None:
    extract = add_command(
        commands, "extract", _extract, "Extract a LoRA from the difference of two checkpoints."
    )
    extract.add_argument("tuned", type=Path, help=f"The model that was trained. {MODEL}")
    extract.add_argument("base", type=Path, help="The model that it was trained from.")
    extract.add_argument("--rank", type=rank, default=32, help="Highest rank; 32 by default.")
    extract.add_argument(
        "--conv-rank", type=rank, help="Rank of the 3x3 convolutions too; else they are left out."
    )
    extract.add_argument("--no-text-encoder", action="store_true", help="Extract the UNet alone.")
    _add_energy(extract)
    add_output(extract, default="fp16", formats=LORA_FORMATS)


def _add_convert(commands: Commands) -> None:
    convert = add_command(
        commands,
        "convert",
        _convert,
        "Write a model as one file or as a diffusers folder, pruned and in another number format.",
    )
    convert.add_argument("model", type=Path, help=MODEL)
    convert.add_argument("--folder", action="store_true", help="Write a folder, not a file.")
    convert.add_argument(
        "--config", type=Path, help="Folder whose configs fit; else those that ship with Atelier."
    )
    convert.add_argument(
        "--velocity", action="store_true", help="An SD 2 model for 768 px (v-prediction)."
    )
    _add_checkpoint_options(convert)
    add_output(convert, default="keep")


def _add_checkpoint_options(command: Command) -> None:
    command.add_argument("--vae", type=Path, help="VAE to bake in: a file or a folder.")
    command.add_argument(
        "--ema",
        choices=("drop", "keep", "use"),
        default="drop",
        help="Running average in the file: drop it (default), keep it, or use it as the weights.",
    )


def _add_energy(command: Command) -> None:
    command.add_argument(
        "--energy",
        type=share,
        help="Share (0 to 1) of the squared norm to keep: each layer takes the ranks that needs.",
    )


def _merge(options: argparse.Namespace) -> int:
    from training.engine.errors import ConfigError
    from training.engine.tools.checkpoint_merge import MergeOptions, merge_checkpoints

    if not 2 <= len(options.models) <= 3:
        raise ConfigError("A merge takes two or three models: A, B and, for a difference, C.")
    settings = MergeOptions(
        mode="add_difference" if options.mode == "add-difference" else "weighted_sum",
        multiplier=options.multiplier,
        dtype=dtype_of(options.dtype),
        vae=options.vae,
        ema=options.ema,
    )
    first, second, *rest = options.models
    third = rest[0] if rest else None
    return _told(merge_checkpoints(first, second, options.out, settings, third=third))


def _merge_loras(options: argparse.Namespace) -> int:
    from training.engine.tools.lora_files import WeightedLora
    from training.engine.tools.lora_merge import merge_loras

    loras = [WeightedLora(file.path, file.weight) for file in options.loras]
    dtype = dtype_of(options.dtype)
    return _told(merge_loras(options.base, loras, options.out, dtype=dtype, vae=options.vae))


def _combine(options: argparse.Namespace) -> int:
    from training.engine.tools.lora_combine import combine_loras
    from training.engine.tools.lora_files import WeightedLora

    loras = [WeightedLora(file.path, file.weight) for file in options.loras]
    choice = None
    if options.rank or options.energy:
        choice = _choice(options.rank or MAX_RANK, options.energy)
    made = combine_loras(loras, options.out, choice=choice, dtype=required_dtype(options.dtype))
    return _told_lora(made)


def _resize(options: argparse.Namespace) -> int:
    from training.engine.tools.lora_combine import resize_lora

    choice = _choice(options.rank, options.energy)
    dtype = required_dtype(options.dtype)
    return _told_lora(resize_lora(options.lora, options.out, choice, dtype=dtype))


def _extract(options: argparse.Namespace) -> int:
    from training.engine.tools.lora_merge import ExtractOptions, extract_lora

    conv = _choice(options.conv_rank, options.energy) if options.conv_rank else None
    settings = ExtractOptions(
        _choice(options.rank, options.energy),
        conv,
        text_encoder=not options.no_text_encoder,
        dtype=required_dtype(options.dtype),
    )
    return _told_lora(extract_lora(options.tuned, options.base, options.out, settings))


def _convert(options: argparse.Namespace) -> int:
    from training.engine.tools.convert import ConvertOptions, convert_to_file, convert_to_folder

    settings = ConvertOptions(dtype_of(options.dtype), options.ema, options.vae)
    if not options.folder:
        return _told(convert_to_file(options.model, options.out, settings))
    made = convert_to_folder(
        options.model, options.out, settings, config=options.config, velocity=options.velocity
    )
    sys.stdout.write(f"{made.path}\n")
    for name in made.left_out:
        sys.stderr.write(f"Left out, since the layout has no place for it: {name}\n")
    return 0


def _choice(rank: int, energy: float | None) -> RankChoice:
    from training.engine.tools.low_rank import RankChoice

    return RankChoice(rank, energy)


def _told(saved: SavedModel) -> int:
    sys.stdout.write(f"{saved.path}\n")
    sys.stderr.write(f"{saved.size_bytes / 1e6:.1f} MB written.\n")
    return 0


def _told_lora(made: SmallerLora) -> int:
    low, high = made.ranks[0], made.ranks[-1]
    ranks = f"rank {low}" if low == high else f"ranks {low} to {high}"
    sys.stderr.write(
        f"{ranks}; {made.mean_kept:.1%} of the energy kept on average, "
        f"{made.least_kept:.1%} in the worst layer.\n"
    )
    return _told(made.saved)
