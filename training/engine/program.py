"""`atelier-train` and `python -m training.engine`: the same program."""

from __future__ import annotations

import sys

MISSING = (
    "{name} is not installed here, and training needs it. Install the trainer with: "
    "pip install 'atelier[train]'\n"
)


def run() -> int:
    """Run the program on this process's arguments and return its exit code."""
    try:
        from training.engine.cli import main

        return main()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "training":
            raise
        sys.stderr.write(MISSING.format(name=error.name))
        return 2
