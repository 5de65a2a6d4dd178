"""What the runner shows: its own sentences, and the lines of its parts, each with its name."""

import contextlib
import os
import sys
from typing import TextIO

NAME_WIDTH = 9
COLOURS = {"web": 36, "cpu": 33, "gpu": 35, "beat": 34, "prepare": 32, "demo": 32}


class Console:
    """The terminal. A terminal that has gone away is no reason to stop in disorder."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._coloured = self._stream.isatty() and "NO_COLOR" not in os.environ

    def say(self, text: str) -> None:
        """Print a sentence of the runner."""
        self._write(f"{text}\n")

    def line(self, name: str, text: str) -> None:
        """Print one line of a part."""
        label = f"{name:<{NAME_WIDTH}}|"
        if self._coloured:
            label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
        self._write(f"{label} {text}\n")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
