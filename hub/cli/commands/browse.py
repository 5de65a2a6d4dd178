"""`atelier search` and `show`."""

from typing import Annotated, Any

import typer

from hub.cli.commands import filters
from hub.cli.commands.context import AsJson, Limit, hub_of
from hub.cli.language import gettext as _
from hub.cli.targets import TargetKind, find_version, parse_target
from hub.cli.terminal import Terminal, lines, size
from hub.cli.words import word

Words = Annotated[list[str] | None, typer.Argument(help="Words, a name, or a hash.")]


@filters.narrowing
def search(
    context: typer.Context,
    words: Words = None,
    *,
    narrowed: dict[str, Any],
    sort: filters.Order = "",
    limit: Limit = 24,
    as_json: AsJson = False,
) -> None:
    """Find models."""
    query = {"query": " ".join(words or []), **narrowed, "sort": sort}
    with hub_of(context) as (hub, terminal):
        _list_models(terminal, list(hub.items("models/", limit=limit, **query)))


def _list_models(terminal: Terminal, rows: list[Any]) -> None:
    headings = (
        *(_("id"), _("name"), _("type"), _("base"), _("by")),
        *(_("words"), _("downloads")),
    )
    cells = [
        (
            *(row["id"], row["name"], row["type"], row["base_model"], row["owner"]["username"]),
            *(row["trigger_words"][:3], row["download_count"]),
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
        (_("model"), f"{model['id']}  {model['name']}"),
        (_("type"), model["type"]),
        (_("status"), f"{word(model['status'])}, {word(model['visibility'])}"),
        (_("by"), model["owner"]["username"]),
        (_("team"), model["team"]),
        (_("category"), model["subject"]),
        (_("tags"), model["tags"]),
        (_("licence"), model["licence"]),
        (_("downloads"), model["download_count"]),
    ]
    for version in data["versions"]:
        rows += [("", ""), *_version_rows(version)]
    return rows


def _version_rows(version: dict[str, Any]) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        (_("version"), f"{version['id']}  {version['model_name']} {version['name']}"),
        (_("state"), word(version["status"])),
        (_("base"), version["base_model"]),
        (_("words"), version["trigger_words"]),
        (_("weight"), _band(version["weight"])),
        (_("sampler"), version["sampler"]),
        (_("steps"), version["steps"]),
        (_("cfg"), _band(_cfg_band(version))),
        ("", version["cfg_note"]),
        (_("clip skip"), version["clip_skip"]),
        (_("prompt"), version["prompt_advice"]),
        (_("negative"), version["negative_advice"]),
    ]
    for other in version["resources"]:
        link = f"version:{other['version_id']}" if other["version_id"] else ""
        rows.append((_("goes with"), "  ".join(filter(None, (other["kind"], other["name"], link)))))
    for file in version["files"]:
        facts = (
            file["file_name"],
            size(file["size_bytes"]),
            file["format"],
            word(file["scan_status"]),
        )
        rows += [(_("file"), "  ".join(facts)), ("sha256", file["sha256"])]
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
    edges = _("{low} to {high}").format(low=low or "…", high=high or "…")
    band = edges if low or high else ""
    return f"{best} ({band})" if best and band else best or band
