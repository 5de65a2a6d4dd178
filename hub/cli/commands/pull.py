"""`atelier pull`."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.commands.context import AsJson, hub_of
from hub.cli.errors import CliError, Incomplete, NotFound, Unreachable, WrongUse
from hub.cli.folders import Layout
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.needed import Need, needs_of
from hub.cli.pulling import Place, Pulled, pull_file
from hub.cli.targets import Choice, Target, choose_all, choose_by_hash, parse_target
from hub.cli.terminal import Terminal, size, table
from hub.cli.words import word

To = Annotated[Path, typer.Option("--to", help="Folder of a WebUI, or any folder.")]
LayoutOption = Annotated[
    Layout, typer.Option("--layout", help="Whose folders; auto looks at what is there.")
]
NoSidecars = Annotated[bool, typer.Option("--no-sidecars", help="Only the model files.")]
AllPictures = Annotated[
    bool, typer.Option("--all-pictures", help="Every picture of a version, not only the first.")
]


def pull(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Model number, version:NUMBER, hash:DIGITS, collection:NUMBER."),
    ] = None,
    *,
    to: To = Path(),
    layout: LayoutOption = Layout.AUTO,
    needed_by: Annotated[
        list[Path] | None,
        typer.Option("--needed-by", help="A picture: fetch the models that made it."),
    ] = None,
    all_files: Annotated[
        bool, typer.Option("--all-files", help="Every file of a version, not only the primary.")
    ] = False,
    no_sidecars: NoSidecars = False,
    all_pictures: AllPictures = False,
    as_json: AsJson = False,
) -> None:
    """Fetch model files into the right folder; goes on where it stopped, checks the SHA-256."""
    if not targets and not needed_by:
        raise WrongUse(_("Name what to pull, or a picture with --needed-by."))
    named = {text: parse_target(text) for text in targets or []}
    needs = [need for picture in needed_by or [] for need in needs_of(picture)]
    place = Place(to, layout, with_sidecars=not no_sidecars, all_pictures=all_pictures)
    with hub_of(context) as (hub, terminal):
        result = _Result()
        choices = _choices(hub, named, result, all_files=all_files)
        for need in needs:
            found = _choice_for(hub, need)
            choices += [found] if found else []
            result.missing += [] if found else [need]
        _pull_all(hub, choices, place, terminal, result)
        _report(terminal, result)


def _choices(
    hub: HubClient, named: dict[str, Target], result: "_Result", *, all_files: bool
) -> list[Choice]:
    """Everything that was named; one of several that is not there does not stop the others."""
    choices: list[Choice] = []
    for text, target in named.items():
        try:
            choices += choose_all(hub, target, all_files=all_files)
        except NotFound as error:
            if len(named) == 1:
                raise
            result.failed[text] = NotFound(f"{text}: {error.message}", code=error.error_code)
    return choices


def _choice_for(hub: HubClient, need: Need) -> Choice | None:
    """The file that a picture needs; None when only its name is known, or it is not here."""
    if not need.hash:
        return None
    try:
        return choose_by_hash(hub, need.hash)
    except NotFound:
        return None


@dataclass
class _Result:
    """What became of everything that was named."""

    pulled: list[Pulled] = field(default_factory=list)
    missing: list[Need] = field(default_factory=list)
    failed: dict[str, CliError] = field(default_factory=dict)


def _pull_all(
    hub: HubClient, choices: list[Choice], place: Place, terminal: Terminal, result: _Result
) -> None:
    """Fetch each file once; one that fails does not stop the others, a hub that is gone does."""
    files = {file.id: (choice.version, file) for choice in choices for file in choice.files}
    for version, file in files.values():
        try:
            result.pulled.append(pull_file(hub, version, file, place, terminal))
        except Unreachable:
            raise
        except CliError as error:
            if len(files) == 1:
                raise
            result.failed[file.file_name] = error


def _report(terminal: Terminal, result: _Result) -> None:
    failures = [
        {"file": name, "error": error.message, "code": error.error_code}
        for name, error in result.failed.items()
    ]
    data: dict[str, Any] = {
        "files": [file.as_json() for file in result.pulled],
        "missing": [asdict(need) for need in result.missing],
        "failed": failures,
    }
    rows = [
        (word("new" if file.is_new else "here"), file.model, size(file.size_bytes), file.path)
        for file in result.pulled
    ]
    terminal.result(data, table(("", _("model"), _("size"), _("path")), rows))
    _complain(result)


def _complain(result: _Result) -> None:
    """Raise Incomplete, naming everything that did not come."""
    sentences = [error.message for error in result.failed.values()]
    if result.missing:
        no_hash = _("no hash")
        names = (f"{need.kind} {need.name} ({need.hash or no_hash})" for need in result.missing)
        missing = _("Not on this hub, or not visible to you: {names}.")
        sentences.append(missing.format(names=", ".join(names)))
    if sentences:
        code = next(iter(result.failed.values())).error_code if result.failed else "missing"
        raise Incomplete(" ".join(sentences), code=code)
