"""`atelier hash` and `info`: about files of this machine, without any hub."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.commands.context import AsJson
from hub.cli.errors import LocalProblem, reason_of
from hub.cli.inspection import SAID, inspect_local
from hub.cli.language import gettext as _
from hub.cli.terminal import Terminal, lines, terminal_of
from hub.formats.file_hashing import hash_file
from hub.formats.hashes import FileHashes

Files = Annotated[list[Path], typer.Argument(help="Files of this machine.")]


def hash_(context: typer.Context, files: Files, *, as_json: AsJson = False) -> None:
    """Print every hash by which tools name a file, made in one pass."""
    terminal = terminal_of(context)
    found = {path: _hashes(path, terminal) for path in files}
    data = [
        {
            "path": str(path),
            "size_bytes": hashes.size_bytes,
            "hashes": {kind.value: value for kind, value in hashes.as_mapping().items()},
        }
        for path, hashes in found.items()
    ]
    rows = [
        (kind.value, f"{value}  {path.name}")
        for path, hashes in found.items()
        for kind, value in hashes.as_mapping().items()
    ]
    terminal.result(data, lines(rows))


def info(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A model file or a picture.")],
    *,
    metadata: Annotated[
        bool, typer.Option("--metadata", help="The header's own metadata too, as written.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a model file or picture says about itself; nothing in it is ever run."""
    terminal = terminal_of(context)
    facts = inspect_local(file)
    data: dict[str, Any] = asdict(facts)
    rows = [
        (_("type"), facts.file_type),
        (_("size"), facts.size_bytes),
        *((_(name), _said(value)) for name, value in facts.rows),
    ]
    if metadata:
        rows += [*facts.metadata.items()]
    terminal.result(data, lines(rows))


def _said(value: object) -> object:
    return _(value) if isinstance(value, str) and value in SAID else value


def _hashes(path: Path, terminal: Terminal) -> FileHashes:
    try:
        total = path.stat().st_size
        with terminal.progress(path.name, total=total) as advance:
            last = 0

            def on_progress(done: int, _total: int) -> None:
                nonlocal last
                advance(done - last)
                last = done

            return hash_file(path, on_progress=on_progress)
    except OSError as error:
        raise LocalProblem(
            _("{path} cannot be read: {reason}.").format(path=path, reason=reason_of(error))
        ) from error
