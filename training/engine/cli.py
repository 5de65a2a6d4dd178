"""The engine as a program: train, sample, estimate, import-kohya, export-kohya.

    python -m training.engine train RUN_DIR/config.toml [--run-dir DIR] [--cache-dir DIR]
        [--resume | --fresh] [--events-fd N] [--replay-after SEQUENCE]

Alone, `train` prints its progress in words on standard error.

With `--events-fd N` it is driven by a parent:
- Events are JSON lines on file descriptor N (1 is standard output; everything that libraries
  print goes to standard error). Each is on disk in RUN_DIR/events.jsonl before it is sent.
  `--replay-after S` first sends the stored events with a sequence above S again.
- Commands are JSON lines on standard input: {"command": "save" | "stop" | "pause" | "cancel" |
  "sample"}. The end of standard input means that the parent is gone: the run pauses.
- SIGTERM and SIGINT pause. A second signal while pausing is ignored; kill -9 is always safe.

Exit codes: 0 completed or stopped with a result, 1 failed (a Failed event says why), 2 the
command line or the settings are wrong, 3 cancelled, 143 paused (start it again to go on).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from training.engine.config import TrainConfig
from training.engine.errors import ConfigError, EngineError
from training.engine.estimate import estimate
from training.engine.events import Control, Listener
from training.engine.threads import wait_passively

if TYPE_CHECKING:
    from training.engine.grids import GridCell

EXIT_CODES = {"completed": 0, "stopped": 0, "cancelled": 3, "paused": 143}
EXIT_FAILED = 1
EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    wait_passively()
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="training.engine", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="Train from a TOML file of settings.")
    train.add_argument("config", type=Path)
    train.add_argument("--run-dir", type=Path, help="Folder of the run; else beside the settings.")
    train.add_argument("--cache-dir", type=Path, help="Folder of caches shared by all runs.")
    train.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True)
    train.add_argument("--fresh", dest="resume", action="store_false", help="Start from step 0.")
    train.add_argument("--events-fd", type=int, help="Be driven by a parent; see the manual.")
    train.add_argument("--replay-after", type=int, help="Send stored events again from here.")
    train.set_defaults(run=_train)
    sample = commands.add_parser("sample", help="Make pictures, alone or as a grid of files.")
    sample.add_argument("prompts", nargs="+", help="Prompts in kohya's form, with --n, --w, ….")
    sample.add_argument("--base", type=Path, help="Base model; else the bundled one.")
    sample.add_argument("--file", type=Path, action="append", default=[], dest="files")
    sample.add_argument("--weight", type=float, action="append", default=[], dest="weights")
    sample.add_argument("--size", type=int, default=0, help="Side in pixels.")
    sample.add_argument("--seed", type=int, default=1)
    sample.add_argument("--steps", type=int, default=20)
    sample.add_argument("--guidance", type=float, default=7.0)
    sample.add_argument("--sampler", default="DPM++ 2M")
    sample.add_argument("--out", type=Path, default=Path("samples"))
    sample.set_defaults(run=_sample)
    taking = commands.add_parser("import-kohya", help="Turn kohya's settings into ours.")
    taking.add_argument("file", type=Path)
    taking.set_defaults(run=_import_kohya)
    giving = commands.add_parser("export-kohya", help="Turn our settings into kohya's.")
    giving.add_argument("config", type=Path)
    giving.set_defaults(run=_export_kohya)
    guess = commands.add_parser("estimate", help="Tell what a run will take.")
    guess.add_argument("config", type=Path)
    guess.add_argument("--images", type=int, required=True)
    guess.set_defaults(run=_estimate)
    return parser


def _train(options: argparse.Namespace) -> int:
    from training.engine.driving import ParentControl, SignalControl, TextListener, event_pipe
    from training.engine.loop import train

    config = TrainConfig.from_toml(options.config)
    run_dir = options.run_dir or options.config.resolve().parent
    cache_dir = options.cache_dir or run_dir / "cache"
    listener: Listener = TextListener(sys.stderr)
    control: Control = SignalControl()
    if options.events_fd is not None:
        listener, control = event_pipe(options.events_fd), ParentControl(sys.stdin.fileno())
    result = train(
        config,
        run_dir=run_dir,
        listener=listener,
        control=control,
        cache_dir=cache_dir,
        resume=options.resume,
        replay_after=options.replay_after,
    )
    return EXIT_CODES[result.status]


def _sample(options: argparse.Namespace) -> int:
    from training.base_models.tiny.location import tiny_base_dir
    from training.engine.components import load_components
    from training.engine.grids import make_grid
    from training.engine.precision import choose, describe_machine, set_arithmetic

    precision = choose(describe_machine(measure_bf16=False))
    set_arithmetic(precision)
    base = options.base or tiny_base_dir()
    config = TrainConfig.parse(
        {
            "base_model": {
                "path": str(base),
                "name": base.stem if options.base else "Atelier Tiny",
            },
            "resolution": options.size or (512 if options.base else 128),
            "sampling": {
                "sampler": options.sampler,
                "steps": options.steps,
                "guidance": options.guidance,
            },
        }
    )
    sheet = make_grid(
        config,
        load_components(config, precision),
        prompts=options.prompts,
        files=options.files,
        weights=options.weights or [1.0],
        seed=options.seed,
        folder=options.out,
        on_cell=_tell_cell,
    )
    sys.stdout.write(f"{sheet}\n")
    return 0


def _tell_cell(cell: GridCell) -> None:
    sys.stderr.write(f"{cell.path}\n")


def _import_kohya(options: argparse.Namespace) -> int:
    from training.engine.kohya_config import read_kohya_file

    found = read_kohya_file(options.file)
    sys.stdout.write(TrainConfig.parse(found.settings).to_toml())
    sys.stderr.writelines(f"{sentence}\n" for sentence in found.report)
    return 0


def _export_kohya(options: argparse.Namespace) -> int:
    from training.engine.kohya_config import to_kohya

    sys.stdout.write(to_kohya(TrainConfig.from_toml(options.config)))
    return 0


def _estimate(options: argparse.Namespace) -> int:
    found = estimate(TrainConfig.from_toml(options.config), images=options.images)
    sys.stdout.write(
        f"{found.steps} steps, about {found.seconds / 60:.1f} minutes on two CPU cores, "
        f"{found.memory_bytes / 2**30:.1f} GiB of memory, "
        f"file of {found.file_bytes / 1e6:.1f} MB\n"
    )
    return 0
