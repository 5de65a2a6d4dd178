"""`atelier sync`."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.commands import filters
from hub.cli.commands.context import AsJson, hub_of
from hub.cli.commands.pull import AllPictures, LayoutOption, NoSidecars
from hub.cli.errors import Incomplete, WrongUse
from hub.cli.folders import Layout
from hub.cli.language import gettext as _
from hub.cli.pulling import Place
from hub.cli.syncing import SyncNotes, SyncReport, read_notes, sync_folder
from hub.cli.terminal import Terminal, lines


@filters.narrowing
def sync(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of a WebUI, or any folder.")],
    words: Annotated[list[str] | None, typer.Argument(help="Words of the list.")] = None,
    *,
    narrowed: dict[str, Any],
    layout: LayoutOption = Layout.AUTO,
    delete: Annotated[
        bool, typer.Option("--delete", help="Take away what sync put here and left the list.")
    ] = False,
    no_sidecars: NoSidecars = False,
    all_pictures: AllPictures = False,
    as_json: AsJson = False,
) -> None:
    """Keep a folder in step with a list; a second run needs only the folder."""
    chosen = {"query": " ".join(words), **narrowed} if words else narrowed
    with hub_of(context) as (hub, terminal):
        notes = _notes(folder, hub.origin, chosen, layout)
        if all_pictures:
            notes = replace(notes, all_pictures=True)
        place = Place(
            folder,
            Layout(notes.layout),
            with_sidecars=not no_sidecars,
            all_pictures=notes.all_pictures,
        )
        report = sync_folder(hub, notes, place, terminal, delete=delete)
        _report(terminal, report)


def _report(terminal: Terminal, report: SyncReport) -> None:
    """Say what was done; raises Incomplete where something did not come."""
    rows: list[tuple[str, object]] = [
        *((_("new"), path) for path in report.new),
        *((_("deleted"), path) for path in report.deleted),
        *((_("not in the list any more"), path) for path in report.gone),
        (_("unchanged"), report.unchanged),
    ]
    terminal.result(asdict(report), lines(rows))
    if report.failed:
        message = _("{count} files did not come: {reason}")
        raise Incomplete(message.format(count=len(report.failed), reason=report.failed[0]))


def _notes(folder: Path, origin: str, query: dict[str, Any], layout: Layout) -> SyncNotes:
    """The list of this folder: the one named now, else that of the last time."""
    last = read_notes(folder)
    if last is None:
        if not query:
            raise WrongUse(_("Say what to keep here: words, --team, --mine, --collection …"))
        return SyncNotes(origin, query, layout.value)
    if last.hub != origin:
        raise WrongUse(
            _("{folder} is kept in step with {kept}, not with {address}.").format(
                folder=folder, kept=last.hub, address=origin
            )
        )
    chosen = layout.value if layout is not Layout.AUTO else last.layout
    return replace(last, query=query or last.query, layout=chosen)
