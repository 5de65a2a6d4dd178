"""`atelier pull`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.commands.context import AsJson, hub_of
from hub.cli.errors import CliError, Incomplete, NotFound, Unreachable, WrongUse
from hub.cli.folders import Layout
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.needed import Found, Need, find_need, needs_of
from hub.cli.pulling import Place, Pulled, pull_file
from hub.cli.targets import Choice, Target, choose_all, parse_target
from hub.cli.terminal import Terminal, size, table
from hub.cli.words import word

DIGITS = 16
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
        choices += _needed(hub, needs, result, terminal)
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


def _needed(
    hub: HubClient, needs: list[Need], result: "_Result", terminal: Terminal
) -> Iterator[Choice]:
    """What pictures need, as far as it can be told which files these are."""
    for need in needs:
        try:
            found = find_need(hub, need)
        except NotFound as error:
            result.failed[need.name] = error
            continue
        if found.is_guess:
            result.guessed.append(found)
            version = found.named[0]
            only = _("{name} was found by its name only: {model} (version:{number}).")
            terminal.note(
                only.format(name=need.name, model=version.model, number=version.version_id)
            )
        if found.choice is not None:
            yield found.choice
        elif found.named:
            result.doubtful.append(found)
        else:
            result.missing.append(need)


@dataclass
class _Result:
    """What became of everything that was named."""

    pulled: list[Pulled] = field(default_factory=list)
    guessed: list[Found] = field(default_factory=list)
    doubtful: list[Found] = field(default_factory=list)
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
        "by_name": [_as_json(found) for found in result.guessed],
        "ambiguous": [_as_json(found) for found in result.doubtful],
        "missing": [asdict(need) for need in result.missing],
        "failed": failures,
    }
    rows = [
        (word("new" if file.is_new else "here"), file.model, size(file.size_bytes), file.path)
        for file in result.pulled
    ]
    terminal.result(data, table(("", _("model"), _("size"), _("path")), rows))
    _complain(result)


def _as_json(found: Found) -> dict[str, Any]:
    return {**asdict(found.need), "files": [asdict(named) for named in found.named]}


def _doubt(found: Found) -> str:
    """Which files have the name, and how to say which one is meant."""
    each = "version:{0.version_id} {0.model}, hash:{1}"
    files = "; ".join(each.format(named, named.sha256[:DIGITS]) for named in found.named)
    return _("Several files are called {name}: {files}. Name the right one: {command}").format(
        name=found.need.name,
        files=files,
        command=f"atelier pull hash:{found.named[0].sha256[:DIGITS]}",
    )


def _complain(result: _Result) -> None:
    """Raise Incomplete, naming everything that did not come."""
    sentences = [error.message for error in result.failed.values()]
    sentences += map(_doubt, result.doubtful)
    if result.missing:
        no_hash = _("no hash")
        names = (f"{need.kind} {need.name} ({need.hash or no_hash})" for need in result.missing)
        missing = _("Not on this hub, or not visible to you: {names}.")
        sentences.append(missing.format(names=", ".join(names)))
    if sentences:
        codes = [error.error_code for error in result.failed.values()]
        codes += ["ambiguous"] if result.doubtful else []
        raise Incomplete(" ".join(sentences), code=codes[0] if codes else "missing")
