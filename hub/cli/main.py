"""`atelier`: the hub from a terminal. Knows HTTP and hub.formats, neither Django nor torch."""

from typing import Annotated

import typer

from hub.cli.commands import account, browse, jobs, offline, pull, push, sync
from hub.cli.commands.context import CommandGroup
from hub.cli.terminal import terminal_of

app = typer.Typer(
    cls=CommandGroup,
    name="atelier",
    help="Find, fetch, send and train Stable Diffusion models of an Atelier hub.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they would print keys
)


@app.callback()
def common(
    context: typer.Context,
    hub: Annotated[
        str, typer.Option("--hub", help="Address of the hub; otherwise the last sign-in.")
    ] = "",
) -> None:
    """Options of every command."""
    terminal_of(context).hub_address = hub


app.command()(account.login)
app.command()(account.logout)
app.command()(account.whoami)
app.command()(browse.search)
app.command()(browse.show)
app.command()(pull.pull)
app.command()(push.push)
app.command()(sync.sync)
app.command("hash")(offline.hash_)
app.command()(offline.info)
app.command()(jobs.train)
app.command()(jobs.watch)
app.add_typer(jobs.jobs, name="jobs")
