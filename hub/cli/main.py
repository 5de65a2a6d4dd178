"""`atelier`: the hub from a terminal. Knows HTTP and hub.formats, neither Django nor torch."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from hub.cli.commands import account, browse, convert, jobs, offline, pull, push, sync
from hub.cli.commands.context import CommandGroup
from hub.cli.terminal import terminal_of

app = typer.Typer(
    cls=CommandGroup,
    name="atelier",
    help="Find, fetch, send and train Stable Diffusion models of an Atelier hub.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they would print keys
)


def _say_version(wanted: bool) -> None:  # noqa: FBT001  typer hands the value over
    """Print the version of the installed program; from a checkout there is none."""
    if not wanted:
        return
    try:
        typer.echo(f"atelier {version('atelier')}")
    except PackageNotFoundError:
        typer.echo("atelier, from a checkout")
    raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    hub: Annotated[
        str, typer.Option("--hub", help="Address of the hub; otherwise the last sign-in.")
    ] = "",
    *,
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Say it.")
    ] = False,
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
app.command()(convert.convert)
app.command("hash")(offline.hash_)
app.command()(offline.info)
app.command()(jobs.train)
app.command()(jobs.watch)
app.add_typer(jobs.jobs, name="jobs")
