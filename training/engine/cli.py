"""The engine as a program: train, draw, merge and convert models, read kohya's settings.

    atelier-train train RUN_DIR/config.toml [--run-dir DIR] [--cache-dir DIR]
        [--resume | --fresh] [--events-fd N] [--replay-after SEQUENCE]

`python -m training.engine` is the same program. Alone, `train` prints its progress in words on
standard error. On several GPUs: accelerate launch -m training.engine train RUN_DIR/config.toml

`serve` trains one run after another for a parent; see serving.py. With `--events-fd N`, `train` is
driven by a parent:
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

from training.engine.commands import drawing, kohya, models, settings
from training.engine.commands.arguments import whole_number_within
from training.engine.config.train import TrainConfig
from training.engine.driving import EXIT_CODES, EXIT_FAILED, EXIT_USAGE
from training.engine.errors import ConfigError, EngineError
from training.engine.estimate import estimate
from training.engine.events import Control, Failed, Listener
from training.engine.files.disk import is_full
from training.engine.machine.environment import choose_for_torch
from training.engine.machine.lifetime import load_torch

MOST_IMAGES = 10_000_000
OVER = (
    "This run was over before, with {path} after {step} steps. Change its settings to go on, or "
    "give --fresh to begin anew.\n"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    choose_for_torch()
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return _exit_code(error)


def _exit_code(error: Exception) -> int:
    return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="atelier-train",
        description=__doc__.partition("\n\nWith `--events-fd")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="Train from a TOML file of settings.")
    train.add_argument("config", type=Path, help="Settings, a TOML file; see `settings`.")
    train.add_argument("--run-dir", type=Path, help="Folder of the run; else beside the settings.")
    train.add_argument("--cache-dir", type=Path, help="Folder of caches shared by all runs.")
    train.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="Go on from the state in the folder of the run, where there is one.",
    )
    train.add_argument("--fresh", dest="resume", action="store_false", help="Start from step 0.")
    train.add_argument("--events-fd", type=int, help="Be driven by a parent; see the manual.")
    train.add_argument("--replay-after", type=int, help="Send stored events again from here.")
    train.set_defaults(run=_train)
    serve = commands.add_parser("serve", help="Train one run after another for a parent.")
    serve.add_argument("--events-fd", type=int, required=True, help="Where events are written.")
    serve.add_argument("--orders-fd", type=int, required=True, help="Where orders are read from.")
    serve.add_argument(
        "--idle-seconds", type=float, default=300, help="End after so long without an order."
    )
    serve.add_argument("--most-runs", type=int, default=20, help="End after so many runs.")
    serve.set_defaults(run=_serve)
    drawing.add_commands(commands)
    models.add_commands(commands)
    kohya.add_commands(commands)
    settings.add_commands(commands)
    guess = commands.add_parser("estimate", help="Tell what a run will take.")
    guess.add_argument("config", type=Path, help="Settings, a TOML file.")
    images = whole_number_within(1, MOST_IMAGES)
    guess.add_argument("--images", type=images, required=True, help="Number of pictures.")
    guess.set_defaults(run=_estimate)
    return parser


def _train(options: argparse.Namespace) -> int:
    config = TrainConfig.from_toml(options.config)  # what is wrong with it is told at once
    load_torch()
    from training.engine.driving import ParentControl, SignalControl, TextListener, event_pipe
    from training.engine.runs.loop import train

    run_dir = options.run_dir or options.config.resolve().parent
    cache_dir = options.cache_dir or run_dir / "cache"
    listener: Listener = TextListener(sys.stderr)
    control: Control = SignalControl()
    if options.events_fd is not None:
        listener, control = event_pipe(options.events_fd), ParentControl(sys.stdin.fileno())
    try:
        result = train(
            config,
            run_dir=run_dir,
            listener=listener,
            control=control,
            cache_dir=cache_dir,
            resume=options.resume,
            replay_after=options.replay_after,
        )
    except Exception as error:
        is_told = isinstance(listener, TextListener) and isinstance(listener.last, Failed)
        if is_told and (isinstance(error, EngineError) or is_full(error)):
            return _exit_code(error)
        raise
    if isinstance(listener, TextListener) and result.was_over and result.path is not None:
        sys.stderr.write(OVER.format(path=result.path, step=result.step))
    return EXIT_CODES[result.status]


def _serve(options: argparse.Namespace) -> int:
    from training.engine.serving import serve

    return serve(
        events_fd=options.events_fd,
        orders_fd=options.orders_fd,
        idle_seconds=options.idle_seconds,
        most_runs=options.most_runs,
    )


def _estimate(options: argparse.Namespace) -> int:
    found = estimate(TrainConfig.from_toml(options.config), images=options.images)
    sys.stdout.write(
        f"{found.steps} steps, about {found.seconds / 60:.1f} minutes on two CPU cores, "
        f"{found.memory_bytes / 2**30:.1f} GiB of memory, "
        f"file of {found.file_bytes / 1e6:.1f} MB\n"
    )
    return 0
