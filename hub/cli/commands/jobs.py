"""`atelier train`, `watch` and `jobs`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hub.cli.commands.context import AsJson, Limit, hub_of
from hub.cli.download import Wanted, fetch, safe_name
from hub.cli.following import Event, follow
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.terminal import Terminal, harmless, lines, size, table
from hub.cli.training import RunWishes, read_run_file, submit
from hub.cli.words import word

KIND_WIDTH = 9  # columns of the terminal
Run = Annotated[str, typer.Argument(help="Number or id of a run.")]

jobs = typer.Typer(help="List training runs and steer them.", no_args_is_help=False)


def train(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="TOML file with the engine's settings.")],
    *,
    dataset: Annotated[
        str, typer.Option("--dataset", help="A dataset of the hub, or a folder of pictures.")
    ] = "",
    base: Annotated[
        str, typer.Option("--base", help="Base model: number, version:NUMBER or hash:DIGITS.")
    ] = "",
    team: Annotated[str, typer.Option("--team", help="Team that the run belongs to.")] = "",
    name: Annotated[str, typer.Option("--name", help="Name of the run.")] = "",
    preset: Annotated[
        str, typer.Option("--preset", help="Start from a preset; the file wins over it.")
    ] = "",
    method: Annotated[
        str, typer.Option("--method", help="lora, dreambooth, textual_inversion, hypernetwork.")
    ] = "",
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "",
    follow_it: Annotated[
        bool, typer.Option("--follow", help="Stay and show the run until it is over.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a training run in the team's line."""
    file = read_run_file(config)
    wishes = RunWishes(team, name, dataset, base, preset, method, device).or_else(file.wishes)
    with hub_of(context) as (hub, terminal):
        job = submit(hub, file.settings, wishes, terminal)
        terminal.result(job, lines(_job_rows(job)))
        if follow_it:
            _follow(hub, str(job["number"]), terminal)


def watch(
    context: typer.Context,
    run: Run,
    *,
    after: Annotated[int, typer.Option("--after", help="Only messages behind this number.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show what a run tells until it is over; with --json one message a line."""
    with hub_of(context) as (hub, terminal):
        _follow(hub, run, terminal, after=after)


@jobs.callback(invoke_without_command=True)
def list_jobs(
    context: typer.Context,
    *,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="queued, running, succeeded …")
    ] = None,
    team: Annotated[str, typer.Option("--team", help="Only this team's.")] = "",
    limit: Limit = 24,
    as_json: AsJson = False,
) -> None:
    """List training runs and steer them."""
    if context.invoked_subcommand is not None:
        return
    with hub_of(context) as (hub, terminal):
        rows = list(hub.items("jobs/", limit=limit, state=state, team=team))
        cells = [
            (row["number"], row["name"], word(row["state"]), f"{row['percent']} %", row["team"])
            for row in rows
        ]
        headings = (_("run"), _("name"), _("state"), _("done"), _("team"))
        terminal.listing(rows, headings, cells)


@jobs.command("show")
def show_job(context: typer.Context, run: Run, *, as_json: AsJson = False) -> None:
    """Show one run with its settings."""
    with hub_of(context) as (hub, terminal):
        job = hub.get(f"jobs/{run}/")
        terminal.result(job, lines(_job_rows(job)))


@jobs.command("stop")
def stop_job(context: typer.Context, run: Run, *, as_json: AsJson = False) -> None:
    """End a run at its next step and keep the result."""
    _act(context, run, "stop")


@jobs.command("cancel")
def cancel_job(context: typer.Context, run: Run, *, as_json: AsJson = False) -> None:
    """End a run and keep nothing."""
    _act(context, run, "cancel")


@jobs.command("pause")
def pause_job(context: typer.Context, run: Run, *, as_json: AsJson = False) -> None:
    """Let a run save its state and leave the worker."""
    _act(context, run, "pause")


@jobs.command("resume")
def resume_job(context: typer.Context, run: Run, *, as_json: AsJson = False) -> None:
    """Put a paused run back in line."""
    _act(context, run, "resume")


@jobs.command("files")
def job_files(
    context: typer.Context,
    run: Run,
    *,
    kind: Annotated[str, typer.Option("--kind", help="checkpoint, sample, log.")] = "checkpoint",
    to: Annotated[Path | None, typer.Option("--to", help="Fetch them into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what a run made, or fetch it."""
    with hub_of(context) as (hub, terminal):
        rows = [
            {**row, "path": _fetched(hub, row, to, terminal) if to else ""}
            for row in hub.items(f"jobs/{run}/artifacts/", kind=kind)
        ]
        cells = [(row["name"], size(row["size_bytes"]), row["path"]) for row in rows]
        terminal.result(rows, table((_("file"), _("size"), _("path")), cells))


def _act(context: typer.Context, run: str, action: str) -> None:
    with hub_of(context) as (hub, terminal):
        job = hub.post(f"jobs/{run}/{action}/")
        terminal.result(job, lines(_job_rows(job)))


def _fetched(hub: HubClient, row: dict[str, Any], to: Path, terminal: Terminal) -> str:
    target = to / safe_name(row["name"])
    fetch(hub, Wanted(row["download_url"], target, row["sha256"], row["size_bytes"]), terminal)
    return str(target)


def _follow(hub: HubClient, run: str, terminal: Terminal, *, after: int = 0) -> None:
    """Show the run until it is over; who leaves by Ctrl-C is told that it goes on."""
    try:
        if terminal.as_json:
            follow(hub, run, terminal, terminal.result, after=after)
        else:
            _draw(hub, run, terminal, after=after)
    except KeyboardInterrupt:
        words = _("The run goes on without you. To see it again: {command}")
        terminal.note(words.format(command=f"atelier watch {run}"))
        raise


def _draw(hub: HubClient, run: str, terminal: Terminal, *, after: int) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    notes = terminal.notes
    hidden = not notes.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=notes, disable=hidden) as bars:
        task = bars.add_task(_("waiting"), total=None)

        def show(event: Event) -> None:
            data = event["data"]
            if event["kind"] == "stepped":
                words = _("step {step}  loss {loss:.4f}").format(
                    step=data["step"], loss=data["loss"]
                )
                bars.update(
                    task, description=words, completed=data["step"], total=data["total_steps"]
                )
            else:
                bars.console.print(harmless(_sentence(event)), markup=False)

        job = follow(hub, run, terminal, show, after=after)
    terminal.result(job, lines(_job_rows(job)))


def _sentence(event: Event) -> str:
    data = event["data"]
    words = {
        "state": data.get("label") or data.get("state"),
        "stage": " ".join(str(data.get(key) or "") for key in ("stage", "detail")),
        "started": _("{images} pictures, {steps} steps").format(
            images=data.get("images"), steps=data.get("total_steps")
        ),
        "artifact": data.get("name"),
        "warned": data.get("message"),
    }
    kind = word(event["kind"])
    space = " " * (KIND_WIDTH - cell_len(kind))
    return f"{kind}{space} {words.get(event['kind']) or ''}".rstrip()


def _job_rows(job: dict[str, Any]) -> list[tuple[str, object]]:
    return [
        (_("run"), f"{job['number']}  {job['name']}"),
        (_("state"), word(job["state"])),
        (_("asked for"), word(job["requested_command"])),
        (_("method"), job["method"]),
        (_("base"), job["base_name"]),
        (_("dataset"), job["dataset"]),
        (_("steps"), _("{step} of {total}").format(step=job["step"], total=job["total_steps"])),
        (_("loss"), job["loss"]),
        (_("error"), job["error_message"]),
    ]
