"""`atelier search` and `show`."""

from typing import Annotated, Any

import typer

from hub.cli.commands.context import AsJson, Limit, hub_of
from hub.cli.targets import TargetKind, find_version, parse_target
from hub.cli.terminal import lines, size

Words = Annotated[list[str] | None, typer.Argument(help="Words, a name, or a hash.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="LORA, Checkpoint, VAE …")]
Bases = Annotated[list[str] | None, typer.Option("--base", help="Base model, like 'SDXL 1.0'.")]
Tags = Annotated[list[str] | None, typer.Option("--tag")]
TeamName = Annotated[str, typer.Option("--team", help="Only this team's, drafts included.")]


def search(
    context: typer.Context,
    words: Words = None,
    *,
    type_: Types = None,
    base: Bases = None,
    tag: Tags = None,
    user: Annotated[str, typer.Option("--user", help="Only this creator's.")] = "",
    team: TeamName = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only my own, drafts included.")] = False,
    sort: Annotated[str, typer.Option(help="newest, downloads, likes, rating …")] = "",
    limit: Limit = 24,
    as_json: AsJson = False,
) -> None:
    """Find models."""
    with hub_of(context) as (hub, terminal):
        query = {
            "query": " ".join(words or []),
            "type": type_,
            "base_model": base,
            "tag": tag,
            "username": user,
            "team": team,
            "scope": "mine" if mine else "",
            "sort": sort,
        }
        rows = list(hub.items("models/", limit=limit, **query))
        headings = ("id", "name", "type", "base", "by", "words", "downloads")
        cells = [
            (
                row["id"],
                row["name"],
                row["type"],
                row["base_model"],
                row["owner"]["username"],
                row["trigger_words"][:3],
                row["download_count"],
            )
            for row in rows
        ]
        terminal.listing(rows, headings, cells)


def show(
    context: typer.Context,
    target: Annotated[str, typer.Argument(help="A model's number, version:NUMBER, hash:DIGITS.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show a model or a version with its files."""
    with hub_of(context) as (hub, terminal):
        named = parse_target(target)
        if named.kind is TargetKind.MODEL:
            data = hub.get(f"models/{named.key}/")
            rows = _model_rows(data)
        else:
            data = hub.get(f"versions/{find_version(hub, named).id}/")
            rows = _version_rows(data)
        terminal.result(data, lines(rows))


def _model_rows(data: dict[str, Any]) -> list[tuple[str, object]]:
    model = data["model"]
    rows: list[tuple[str, object]] = [
        ("model", f"{model['id']}  {model['name']}"),
        ("type", model["type"]),
        ("status", f"{model['status']}, {model['visibility']}"),
        ("by", model["owner"]["username"]),
        ("team", model["team"]),
        ("category", model["subject"]),
        ("tags", model["tags"]),
        ("licence", model["licence"]),
        ("downloads", model["download_count"]),
    ]
    for version in data["versions"]:
        rows += [("", ""), *_version_rows(version)]
    return rows


def _version_rows(version: dict[str, Any]) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("version", f"{version['id']}  {version['model_name']} {version['name']}"),
        ("state", version["status"]),
        ("base", version["base_model"]),
        ("words", version["trigger_words"]),
        ("weight", _band(version["weight"])),
        ("sampler", version["sampler"]),
        ("steps", version["steps"]),
        ("cfg", _band(_cfg_band(version))),
        ("", version["cfg_note"]),
        ("clip skip", version["clip_skip"]),
        ("prompt", version["prompt_advice"]),
        ("negative", version["negative_advice"]),
    ]
    for other in version["resources"]:
        link = f"version:{other['version_id']}" if other["version_id"] else ""
        rows.append(("goes with", "  ".join(filter(None, (other["kind"], other["name"], link)))))
    for file in version["files"]:
        facts = (file["file_name"], size(file["size_bytes"]), file["format"], file["scan_status"])
        rows += [("file", "  ".join(facts)), ("sha256", file["sha256"])]
    return rows


def _cfg_band(version: dict[str, Any]) -> dict[str, float | None]:
    names = {"minimum": "cfg_min", "default": "cfg_scale", "maximum": "cfg_max"}
    return {name: version[column] for name, column in names.items()}


def _band(values: dict[str, float | None]) -> str:
    """A number and the band in which it works, as far as they are known: `0.8 (0.6 to 1)`."""
    low, best, high = (
        "" if values[name] is None else f"{values[name]:g}"
        for name in ("minimum", "default", "maximum")
    )
    band = f"{low or '…'} to {high or '…'}" if low or high else ""
    return f"{best} ({band})" if best and band else best or band
