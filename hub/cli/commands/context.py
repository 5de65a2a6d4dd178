"""What every command shares: its options, the hub it speaks to, its errors as exit codes."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hub.cli.credentials import current_account
from hub.cli.errors import CliError, LocalProblem, reason_of
from hub.cli.hub_client import HubClient
from hub.cli.language import chosen_language, use_language
from hub.cli.language import gettext as _
from hub.cli.spoken_help import complaints_translated, translate_help
from hub.cli.terminal import JSON_OPTION, Terminal, print_anything, terminal_of

AsJson = Annotated[bool, JSON_OPTION]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many rows.")]


class CommandGroup(TyperGroup):
    """The program: speaks the person's language and turns our errors into exit codes.

    An error that is not ours is a bug and shows.
    """

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the words of the command line."""
        print_anything()
        use_language(chosen_language(os.environ))
        translate_help(self)
        with complaints_translated():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            with complaints_translated():
                return super().invoke(ctx)
        except CliError as error:
            terminal_of(ctx).failure(error)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError:  # whoever read has gone, which Typer knows how to take
            raise
        except OSError as error:
            problem = _of_this_machine(error)
            terminal_of(ctx).failure(problem)
            raise typer.Exit(problem.exit_code) from error


def _of_this_machine(error: OSError) -> LocalProblem:
    """A disk that is full or a file that may not be written, in whatever step it was."""
    place = f" ({error.filename})" if error.filename else ""
    code = "disk_full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
    words = _("This machine did not let it be done: {reason}.")
    return LocalProblem(words.format(reason=f"{reason_of(error)}{place}"), code=code)


@contextmanager
def hub_of(context: typer.Context) -> Iterator[tuple[HubClient, Terminal]]:
    """The hub that this command speaks to, and the terminal."""
    terminal = terminal_of(context)
    with HubClient(current_account(terminal.hub_address), language=terminal.language) as hub:
        yield hub, terminal
