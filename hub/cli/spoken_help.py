"""Help pages and complaints about the command line in the person's language.

The texts are written in English beside each command, as Typer takes them, and translated when the
commands are built; those of Typer itself are listed here.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from hub.cli.language import gettext
from hub.cli.language import gettext_noop as _

#: Typer has no name for it: what all complaints about the command line have in common.
UsageError: Any = typer.BadParameter.__mro__[1]

#: Words of Typer's own help pages. Those of its titles it looks up in our catalogue by itself.
HELP_WORDS = frozenset(
    {
        _("Show this message and exit."),
        _("Install completion for the current shell."),
        _("Show completion for the current shell, to copy it or customize the installation."),
        *(_("Arguments"), _("Options"), _("Commands"), _("Error"), _("Aborted."), _("[required]")),
        *(_("[default: {}]"), _("Try [blue]'{command_path} {help_option}'[/] for help.")),
    }
)
#: What Typer says of a wrong command line; the parts in brackets may hold such a sentence too.
COMPLAINTS = (
    _("No such option: {name} (Possible options: {options})"),
    _("No such option: {name}"),
    _("No such command {name}. Did you mean {options}?"),
    _("No such command {name}."),
    _("Missing command."),
    _("Missing argument {name}."),
    _("Missing option {name}."),
    _("Got unexpected extra argument(s) ({values})"),
    _("Option {name} requires an argument."),
    _("Option {name} does not take a value."),
    _("Invalid value for {name}: {reason}"),
    _("{value} is not one of {values}."),
    _("{value} is not a valid integer."),
    _("{value} is not a valid int."),
    _("Value {value} is not a valid {kind}."),
    _("Input should be greater than or equal to {limit}"),
    _("Input should be less than or equal to {limit}"),
    _("Input should be a valid integer, unable to parse string as an integer"),
)


def translate_help(command: Any) -> None:
    """Put the help of a command, of its options and of all commands in it into the language."""
    command.help = gettext(command.help)
    own_help = command.get_help_option(typer.Context(command))
    for parameter in [*command.params, *([own_help] if own_help else [])]:
        parameter.help = gettext(getattr(parameter, "help", None))
    for inner in getattr(command, "commands", {}).values():
        translate_help(inner)


@contextmanager
def complaints_translated() -> Iterator[None]:
    """Say in the person's language what is wrong with a command line."""
    try:
        yield
    except UsageError as error:
        said = error.format_message()
        if (told := rephrased(said)) == said:
            raise
        raise UsageError(told, ctx=error.ctx) from error


def rephrased(said: str) -> str:
    """The complaint in the language that is used; what is not known here stays."""
    for template in COMPLAINTS:
        if match := _pattern(template).fullmatch(said):
            parts = {name: rephrased(value) for name, value in match.groupdict().items()}
            return gettext(template).format(**parts)
    return said


def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", template)
    literal = (re.escape(piece) for piece in pieces[::2])
    names = (*(f"(?P<{name}>.+?)" for name in pieces[1::2]), "")
    return re.compile("".join(map("".join, zip(literal, names, strict=True))), re.DOTALL)
