"""`atelier push`."""

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.commands.context import AsJson, hub_of
from hub.cli.errors import Incomplete, LocalProblem
from hub.cli.language import gettext as _
from hub.cli.local_models import LocalModel, find_models, read_local_model
from hub.cli.pushing import Push, Pushed, Wishes
from hub.cli.terminal import Terminal, table
from hub.cli.words import word


def push(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Model files, or folders of them.")],
    *,
    model: Annotated[
        int | None, typer.Option("--model", help="Add each file to this model as a version.")
    ] = None,
    type_: Annotated[str, typer.Option("--type", help="LORA, Checkpoint, VAE …")] = "",
    base: Annotated[str, typer.Option("--base", help="Base model, like 'SDXL 1.0'.")] = "",
    team: Annotated[str, typer.Option("--team", help="Share the drafts with this team.")] = "",
    visibility: Annotated[
        str, typer.Option("--visibility", help="Who sees them once published.")
    ] = "",
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish as soon as the files are checked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send model files with their sidecars as drafts; what the hub has already is not sent."""
    with hub_of(context) as (hub, terminal):
        files, unread = _read_all(find_models(paths), terminal)
        wishes = Wishes(
            model_id=model,
            model_type=type_,
            base_model=base,
            team=team,
            visibility=visibility,
            publish=publish,
        )
        done = [*Push(hub, terminal, wishes).run(files), *unread]
        rows = [
            (
                *(word(row.outcome), row.model_id, row.version_id, word(row.status)),
                *(Path(row.path).name, row.error),
            )
            for row in done
        ]
        headings = ("", _("model"), _("version"), _("status"), _("file"), "")
        terminal.result([row.as_json() for row in done], table(headings, rows))
        failed = [row for row in done if row.error]
        if failed:
            raise Incomplete(
                _("{count} of {total} files did not get all the way. The first: {reason}").format(
                    count=len(failed), total=len(done), reason=failed[0].error
                ),
                code=failed[0].code,
            )


def _read_all(paths: list[Path], terminal: Terminal) -> tuple[list[LocalModel], list[Pushed]]:
    """What could be read, and what became of the rest."""
    total = sum(path.stat().st_size for path in paths)
    files, unread = [], []
    with terminal.progress(_("Hashing"), total=total) as advance:
        for path in paths:
            try:
                files.append(read_local_model(path, advance))
            except LocalProblem as error:
                failed = Pushed(str(path), "", "failed", error=error.message, code=error.error_code)
                unread.append(failed)
    return files, unread
