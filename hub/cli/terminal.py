"""What the program prints: results on stdout, everything else on stderr, so that pipes stay clean.

With --json the result is one JSON document (for `watch`, one a line) and nothing else is printed
but errors, which are JSON too.
"""

import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from hub.cli.errors import CliError
from hub.cli.language import ENGLISH, chosen_language, use_language
from hub.cli.language import gettext as _

Advance = Callable[[int], None]
PIPE_WIDTH = 400
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass
class Terminal:
    """One run of the program; `wait` pauses for seconds and is another thing in tests."""

    as_json: bool = False
    hub_address: str = ""
    wait: Callable[[float], None] = time.sleep
    _bars: Progress | None = field(default=None, repr=False)

    @property
    def language(self) -> str:
        """What the hub is asked to answer in; what other programs read is English."""
        return ENGLISH if self.as_json else chosen_language(os.environ)

    @property
    def notes(self) -> Console:
        """Where progress and remarks go."""
        return Console(stderr=True, quiet=self.as_json, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Say something beside the result."""
        self.notes.print(harmless(text), markup=False)

    def result(self, data: Any, show: Callable[[Console], None] | None = None) -> None:
        """Print the result: as JSON, else as `show` draws it."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        elif show is not None:
            # A pipe has no width: cut lines would make what reads them wrong.
            width = None if sys.stdout.isatty() else PIPE_WIDTH
            show(Console(highlight=False, width=width))

    def listing(
        self, data: Sequence[Any], headings: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> None:
        """Print a list; an empty one is said, beside the result, and no table is drawn."""
        if not rows:
            self.note(_("Nothing was found."))
        self.result(data, table(headings, rows) if rows else None)

    def failure(self, error: CliError) -> None:
        """Print an error."""
        if self.as_json:
            body = {"error": error.message, "code": error.error_code, "exit": error.exit_code}
            sys.stderr.write(json.dumps(body, ensure_ascii=False) + "\n")
        else:
            console = Console(stderr=True, highlight=False, soft_wrap=True)
            console.print(_("Error:"), style="bold red", end=" ")
            console.print(harmless(error.message), markup=False)

    @contextmanager
    def progress(self, label: str, *, total: int, done: int = 0) -> Iterator[Advance]:
        """A bar for bytes; several at once share one display."""
        if self._bars is not None:
            yield self._bar(self._bars, label, total, done)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        speed = (TransferSpeedColumn(), TimeRemainingColumn())
        notes = self.notes
        # A file or a pipe would get an empty line for every bar.
        hidden = not notes.is_terminal
        with Progress(*columns, *speed, console=notes, transient=True, disable=hidden) as bars:
            self._bars = bars
            try:
                yield self._bar(bars, label, total, done)
            finally:
                self._bars = None

    @staticmethod
    def _bar(bars: Progress, label: str, total: int, done: int) -> Advance:
        task = bars.add_task(escape(harmless(label)), total=total, completed=done)
        return lambda count: bars.advance(task, count)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Callable[[Console], None]:
    """Rows under headings, for `Terminal.result`."""

    def show(console: Console) -> None:
        drawn = Table(box=None, pad_edge=False, header_style="bold")
        for heading in headings:
            drawn.add_column(heading, overflow="fold")
        for row in rows:
            drawn.add_row(*(_cell(value) for value in row))
        console.print(drawn)

    return show


def lines(rows: Sequence[tuple[str, object]]) -> Callable[[Console], None]:
    """Facts with their names, for `Terminal.result`; empty ones are left out."""
    shown = [(name, value) for name, value in rows if value not in (None, "", [], {}, ())]
    width = max((cell_len(name) for name, _value in shown), default=0)

    def show(console: Console) -> None:
        for name, value in shown:
            space = " " * (width - cell_len(name))
            console.print(f"{name}{space}  {_plain(value)}", markup=False)

    return show


def size(count: int | None) -> str:
    """Bytes as people read them."""
    number, units = float(count or 0), ("B", "kB", "MB", "GB", "TB")
    for unit in units[:-1]:
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} {units[-1]}"


def print_anything() -> None:
    """Let no letter stop the program: what the terminal has no form for is printed escaped.

    Names of files may hold bytes that are no text; in JSON the escape is the right form.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def terminal_of(context: typer.Context) -> Terminal:
    """The terminal of this run, made on first use."""
    root = context.find_root()
    if not isinstance(root.obj, Terminal):
        root.obj = Terminal()
    return root.obj


def _set_json(context: typer.Context, value: bool) -> bool:  # noqa: FBT001  Typer calls it so
    if value:
        terminal_of(context).as_json = True
        use_language(ENGLISH)
    return value


def _cell(value: object) -> str:
    return _plain(value).replace("[", "\\[")


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return harmless(", ".join(str(item) for item in value))
    return harmless(str(value))


def harmless(text: str) -> str:
    """The text with orders to the terminal shown as what they are: names are other people's."""
    return CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)


JSON_OPTION = typer.Option("--json", callback=_set_json, help="Print the result as JSON.")
