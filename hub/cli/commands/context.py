"""What every command shares: its options, the hub it speaks to, its errors as exit codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hub.cli.credentials import current_account
from hub.cli.errors import CliError
from hub.cli.hub_client import HubClient
from hub.cli.terminal import JSON_OPTION, Terminal, terminal_of

AsJson = Annotated[bool, JSON_OPTION]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many rows.")]


class CommandGroup(TyperGroup):
    """Turns our errors into a sentence and an exit code; anything else is a bug and shows."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except CliError as error:
            terminal_of(ctx).failure(error)
            raise typer.Exit(error.exit_code) from error


@contextmanager
def hub_of(context: typer.Context) -> Iterator[tuple[HubClient, Terminal]]:
    """The hub that this command speaks to, and the terminal."""
    terminal = terminal_of(context)
    with HubClient(current_account(terminal.hub_address)) as hub:
        yield hub, terminal
