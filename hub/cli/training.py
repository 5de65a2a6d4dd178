"""From a TOML file and a folder of pictures to a run in the team's line.

The file holds the engine's settings as they are (`docs/cli.md`); a table `[atelier]` may name what
belongs to the hub: team, name, dataset, base, preset, method, device.
"""

import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hub.cli.download import file_sha256
from hub.cli.errors import LocalProblem, Refused, WrongUse, reason_of
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.local_models import name_as_text
from hub.cli.pictures import PICTURE_SUFFIXES
from hub.cli.targets import find_version, parse_target
from hub.cli.terminal import Terminal
from hub.cli.upload import Sending, forget, send

TABLE = "atelier"
CAPTION_SUFFIXES = (".txt", ".caption")
CHECK_SECONDS = (0.5, 1.0, 2.0, *(5.0,) * 240)
OPEN = ("waiting", "reading")


@dataclass(frozen=True, slots=True)
class RunWishes:
    """What a run needs beside its settings; empty means: as the file says."""

    team: str = ""
    name: str = ""
    dataset: str = ""
    base: str = ""
    preset: str = ""
    method: str = ""
    device: str = ""

    def or_else(self, other: "RunWishes") -> "RunWishes":
        """These, and where they are empty, the others."""
        names = [column.name for column in fields(self)]
        return RunWishes(**{name: getattr(self, name) or getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class RunFile:
    """A TOML file: settings for the engine, and the table for the hub."""

    settings: Mapping[str, Any]
    wishes: RunWishes


def read_run_file(path: Path) -> RunFile:
    """Raises LocalProblem for what is no TOML, WrongUse for names that the table does not have."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LocalProblem(
            _("{path} cannot be read: {reason}.").format(path=path, reason=reason_of(error))
        ) from error
    except ValueError as error:
        raise LocalProblem(
            _("{path} is no TOML: {reason}.").format(path=path, reason=error)
        ) from error
    table = data.pop(TABLE, {})
    known = {column.name for column in fields(RunWishes)}
    unknown = sorted(set(table) - known) if isinstance(table, dict) else [TABLE]
    if unknown:
        raise WrongUse(
            _("[{table}] in {name} does not know {unknown}.").format(
                table=TABLE, name=path.name, unknown=", ".join(unknown)
            )
        )
    method = str(data.pop("method", ""))
    wishes = RunWishes(**{name: str(value) for name, value in table.items()})
    return RunFile(data, wishes.or_else(RunWishes(method=method)))


def submit(
    hub: HubClient, settings: Mapping[str, Any], wishes: RunWishes, terminal: Terminal
) -> dict[str, Any]:
    """Put a run in line; a folder as dataset is brought to the hub first. Returns the run."""
    team = wishes.team or _only_team(hub)
    if not wishes.dataset or not wishes.base:
        raise WrongUse(_("A run needs --dataset and --base, or both in the table [atelier]."))
    base = find_version(hub, parse_target(wishes.base))
    folder = Path(wishes.dataset).expanduser()
    dataset = bring_folder(hub, folder, team, terminal) if folder.is_dir() else wishes.dataset
    body = {
        "team": team,
        "name": wishes.name or f"{Path(dataset).name} {wishes.method or 'lora'}",
        "dataset": dataset,
        "base_version_id": base.id,
        "method": wishes.method or "lora",
        "preset": wishes.preset,
        "device": wishes.device,
        "config": dict(settings),
    }
    answer: dict[str, Any] = hub.post("jobs/", body)
    return answer


def bring_folder(hub: HubClient, folder: Path, team: str, terminal: Terminal) -> str:
    """Make a dataset of a folder of pictures and captions; returns its name on the hub."""
    files, name = _dataset_files(folder), name_as_text(folder.resolve().name)
    with tempfile.TemporaryDirectory(prefix="atelier-") as scratch:
        archive = Path(scratch) / f"{name}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
            for path in files:
                out.write(path, name_as_text(path.relative_to(folder.parent).as_posix()))
        sending = Sending(archive, archive.name, "dataset", file_sha256(archive))
        upload_id = send(hub, sending, terminal)
    made = hub.post("datasets/", {"team": team, "name": name[:120]})
    batch = hub.post(f"datasets/{made['slug']}/imports/", {"upload_id": upload_id})
    forget(hub, sending)
    report = _imported(hub, f"datasets/{made['slug']}/imports/{batch['id']}/", terminal)
    for row in report["left_out"]:
        terminal.note(
            _("Left out: {name} ({reason})").format(name=row["name"], reason=row["outcome"])
        )
    if report["status"] == "failed" or not report["added"]:
        reason = report["error_message"] or _("None of the files is a picture that can be used.")
        message = _("The folder was not taken. {reason}").format(reason=reason)
        raise Refused(message, code="import_failed")
    terminal.note(
        _("Dataset {name}: {count} pictures.").format(name=made["slug"], count=report["added"])
    )
    return str(made["slug"])


def _imported(hub: HubClient, path: str, terminal: Terminal) -> dict[str, Any]:
    for seconds in CHECK_SECONDS:
        report: dict[str, Any] = hub.get(path)
        if report["status"] not in OPEN:
            return report
        terminal.wait(seconds)
    raise Refused(_("The hub is still reading the pictures. Start the run when it is done."))


def _dataset_files(folder: Path) -> list[Path]:
    suffixes = (*PICTURE_SUFFIXES, *CAPTION_SUFFIXES)
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    if not any(path.suffix.lower() in PICTURE_SUFFIXES for path in found):
        raise LocalProblem(_("There is no picture in {folder}.").format(folder=folder))
    return found


def _only_team(hub: HubClient) -> str:
    teams = [team["slug"] for team in hub.get("teams/")["items"]]
    if len(teams) == 1:
        return str(teams[0])
    choice = (
        _("Your teams: {names}.").format(names=", ".join(teams))
        if teams
        else _("Make or join a team first.")
    )
    raise WrongUse(_("Say for which team the run is, with --team. {choice}").format(choice=choice))
