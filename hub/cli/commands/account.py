"""`atelier login`, `logout`, `whoami`."""

import sys
from typing import Annotated

import typer

from hub.cli.commands.context import AsJson, hub_of
from hub.cli.credentials import (
    Account,
    clean_origin,
    clean_token,
    current_account,
    forget_account,
    save_account,
)
from hub.cli.errors import SignInNeeded
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.terminal import lines, terminal_of


def login(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="Address of the hub.")],
    *,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from standard input.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign in to a hub with a token from its settings page, and remember both."""
    terminal = terminal_of(context)
    origin = clean_origin(address)
    if token_stdin:
        token = sys.stdin.readline().strip()
    else:
        terminal.note(
            _("Make a token at {address} and paste it here.").format(address=f"{origin}/settings/")
        )
        token = typer.prompt(_("Token"), hide_input=True, err=True).strip()
    if not token:
        raise SignInNeeded(_("Without a token there is nothing to sign in with."))
    account = Account(origin=origin, token=clean_token(token))
    with HubClient(account, language=terminal.language) as hub:
        me = hub.get("me/")
    path = save_account(Account(origin=origin, token=token, username=me["username"]))
    rows = [
        (_("hub"), origin),
        (_("person"), me["username"]),
        (_("scopes"), me["scopes"]),
        (_("kept in"), str(path)),
    ]
    terminal.result({"hub": origin, **me, "kept_in": str(path)}, lines(rows))


def logout(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Forget the token of the hub; revoke it on the settings page if it got lost."""
    terminal = terminal_of(context)
    origin = current_account(terminal.hub_address).origin
    was_known = forget_account(origin)
    terminal.result({"hub": origin, "forgotten": was_known}, lines([(_("forgotten"), origin)]))


def whoami(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show the hub, the person and the scopes that commands use."""
    with hub_of(context) as (hub, terminal):
        me, teams = hub.get("me/"), hub.get("teams/")["items"]
        slugs = [team["slug"] for team in teams]
        rows = [
            (_("hub"), hub.origin),
            (_("person"), me["username"]),
            (_("scopes"), me["scopes"]),
            (_("teams"), slugs),
        ]
        terminal.result({"hub": hub.origin, **me, "teams": slugs}, lines(rows))
