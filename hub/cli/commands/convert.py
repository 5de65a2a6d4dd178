"""`atelier convert`."""

from typing import Annotated, Any

import typer

from hub.cli.answers import RemoteFile
from hub.cli.commands.context import AsJson, hub_of
from hub.cli.errors import Incomplete, NotFound
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.targets import choose, parse_target
from hub.cli.terminal import Terminal, table
from hub.cli.words import word

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 5.0
OPEN = ("queued", "running")


def convert(
    context: typer.Context,
    target: Annotated[str, typer.Argument(help="A model's number, version:NUMBER, hash:DIGITS.")],
    *,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Only ask for it; run the same again to see.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have the hub write safetensors beside the pickles of a version; nothing in them is run."""
    with hub_of(context) as (hub, terminal):
        choice = choose(hub, parse_target(target), all_files=True)
        pickles = [file for file in choice.files if file.format == "PickleTensor"]
        if not pickles:
            raise NotFound(_("There is no pickle to convert."), code="no_pickle")
        rows = [_asked(hub, file) for file in pickles]
        if not no_wait:
            rows = [_awaited(hub, row, terminal) for row in rows]
        cells = [
            (word(row["status"]), row["file_name"], row["result_id"], row["failure"])
            for row in rows
        ]
        terminal.result(rows, table(("", _("file"), _("new file"), ""), cells))
        failed = [row for row in rows if row["status"] == "failed"]
        if failed:
            raise Incomplete(
                _("{name} was not converted: {reason}").format(
                    name=failed[0]["file_name"], reason=failed[0]["failure"]
                ),
                code="not_converted",
            )


def _asked(hub: HubClient, file: RemoteFile) -> dict[str, Any]:
    """How the conversion of a file stands; asked for unless it is under way or done."""
    path = f"files/{file.id}/conversion/"
    try:
        answer = hub.get(path)
    except NotFound:
        answer = hub.post(path)
    if answer["status"] == "failed":
        answer = hub.post(path)
    return {"file_id": file.id, "file_name": file.file_name, **answer}


def _awaited(hub: HubClient, row: dict[str, Any], terminal: Terminal) -> dict[str, Any]:
    seconds = FIRST_SECONDS
    while row["status"] in OPEN:
        terminal.wait(seconds)
        seconds = min(seconds * 2, LONGEST_SECONDS)
        row = {**row, **hub.get(f"files/{row['file_id']}/conversion/")}
    return row
