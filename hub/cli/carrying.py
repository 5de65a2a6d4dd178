"""What a hub knows of a version beyond Civitai's form, carried in its `.civitai.info` to the next.

It stands below the key `atelier`, in the words of v2, which other programs pass over. Hubs number
their own things: other versions and pictures are named by the SHA-256 of their bytes.
"""

from collections.abc import Mapping, Sequence
from re import fullmatch
from typing import Any

from hub.cli.errors import NotFound, Refused
from hub.cli.hub_client import HubClient

KEY = "atelier"
MODEL_FACTS = (
    *("description", "subject", "checkpoint_type", "tags", "nsfw_level", "licence"),
    *("allow_no_credit", "allow_derivatives", "allow_different_license", "allow_commercial_use"),
)
VERSION_FACTS = (
    *("description", "changelog", "tips", "prompt_advice", "negative_advice", "base_model_type"),
    *("clip_skip", "sampler", "steps", "cfg_scale", "cfg_min", "cfg_max", "cfg_note"),
    *("width", "height", "weight", "trigger_word_sets"),
    *("network_dim", "network_alpha", "epochs", "training_steps"),
)
RESOURCE_FACTS = ("kind", "name", "weight")
EXAMPLE_FACTS = (
    *("prompt", "negative", "note", "sampler", "steps", "cfg_scale", "weight", "seed"),
    *("clip_skip", "width", "height"),
)
FILE_FACTS = ("sha256", "kind", "size_kind", "is_primary")


def carried_facts(hub: HubClient, version_id: int) -> dict[str, Any]:
    """All that can be written down again about a version, its model and its files."""
    version = hub.get(f"versions/{version_id}/")
    model = hub.get(f"models/{version['model_id']}/")["model"]
    pictures = {cover["id"]: cover["sha256"] for cover in version["covers"]}
    return {
        "model": _of(model, MODEL_FACTS),
        "version": _of({**version, "tips": version["usage_tips"]}, VERSION_FACTS),
        "resources": [
            {**_of(row, RESOURCE_FACTS), "sha256": _file_of(hub, row["version_id"])}
            for row in version["resources"]
        ],
        "examples": [
            {**_of(row, EXAMPLE_FACTS), "picture": pictures.get(row["cover_id"], "")}
            for row in version["examples"]
        ],
        "files": [_of(row, FILE_FACTS) for row in version["files"]],
    }


def give_to_model(hub: HubClient, model_id: int, carried: Mapping[str, Any]) -> None:
    """Write on a model's card what was carried here. Raises Refused."""
    if facts := _of(_mapping(carried.get("model")), MODEL_FACTS):
        hub.patch(f"models/{model_id}/", facts)


def give_to_version(hub: HubClient, version_id: int, carried: Mapping[str, Any]) -> None:
    """Write on a version what was carried here. Raises Refused for what this hub will not have.

    Needs the pictures to be there already.
    """
    facts = _of(_mapping(carried.get("version")), VERSION_FACTS)
    if resources := _rows(carried.get("resources")):
        facts["resources"] = [_resource(hub, row) for row in resources]
    if examples := _rows(carried.get("examples")):
        covers = hub.get(f"versions/{version_id}/")["covers"]
        pictures = {cover["sha256"]: cover["id"] for cover in covers}
        facts["examples"] = [
            {**_of(row, EXAMPLE_FACTS), "cover_id": pictures.get(_hash(row.get("picture")))}
            for row in examples
        ]
    if facts:
        hub.patch(f"versions/{version_id}/", facts)


def file_facts(carried: Mapping[str, Any], sha256: str) -> dict[str, Any]:
    """What was carried here of the file with these bytes."""
    rows = (row for row in _rows(carried.get("files")) if row.get("sha256") == sha256)
    return _of(next(rows, {}), FILE_FACTS[1:])


def _resource(hub: HubClient, row: Mapping[str, Any]) -> dict[str, Any]:
    """A version that is here as well is linked; another keeps its name."""
    sha256 = _hash(row.get("sha256"))
    found = hub.post("files/by-hash/", {"hashes": [sha256]})["found"] if sha256 else {}
    versions = [match["version_id"] for match in found.get(sha256, ())]
    return _of(row, RESOURCE_FACTS) | ({"version_id": versions[0]} if versions else {})


def _file_of(hub: HubClient, version_id: int | None) -> str:
    """Hash of the primary file of a version, "" where there is none."""
    if version_id is None:
        return ""
    try:
        files = hub.get(f"versions/{version_id}/")["files"]
    except (NotFound, Refused):
        return ""
    return next((str(file["sha256"]) for file in files if file["is_primary"]), "")


def _of(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if row.get(name) not in (None, "")}


def _hash(value: object) -> str:
    """A SHA-256, "" for anything else that stands in its place."""
    return value if isinstance(value, str) and fullmatch("[0-9a-f]{64}", value) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
