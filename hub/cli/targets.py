"""What a person may name: a model, a version, a hash, a resource name (AIR), or an address.

`123` is a model, `version:456` and `123@456` a version, `hash:ABCDEF12` and any text of 10 and more
hexadecimal digits a hash, `collection:7` and the address of its page a collection.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.cli.answers import RemoteFile, RemoteVersion
from hub.cli.errors import NotFound, WrongUse
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _

AIR = re.compile(r"(?:urn:air:[^@]*:)?(\d{1,18})@(\d{1,18})(?:\+\d{1,18})?")
NUMBER = re.compile(r"(?:model:)?(\d{1,18})")
VERSION = re.compile(r"(?:version:|v)(\d{1,18})")
HASH = re.compile(r"hash:([0-9A-Fa-f]{8,64})|([0-9A-Fa-f]{10,64})")
ADDRESS = re.compile(r"https?://[^/]+/api/(?:v1|v2)/(models|versions|model-versions)/(\d{1,18})/?")
COLLECTION = re.compile(r"(?:collection:|https?://[^/]+/collections/)(\d{1,9})/?")
MAX_COLLECTED = 10_000


class TargetKind(StrEnum):
    """Kinds of names."""

    MODEL = "model"
    VERSION = "version"
    HASH = "hash"
    COLLECTION = "collection"


@dataclass(frozen=True, slots=True)
class Target:
    """One named thing."""

    kind: TargetKind
    key: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A version and the files of it that were meant."""

    version: RemoteVersion
    files: tuple[RemoteFile, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A file that is called as somebody said, which is no proof that it is the one."""

    version_id: int
    file_id: int
    model: str
    file_name: str
    sha256: str


def parse_target(text: str) -> Target:
    """Read a name. Raises WrongUse for anything else."""
    text = text.strip()
    if match := AIR.fullmatch(text):
        return Target(TargetKind.VERSION, match[2])
    if match := VERSION.fullmatch(text):
        return Target(TargetKind.VERSION, match[1])
    if match := COLLECTION.fullmatch(text):
        return Target(TargetKind.COLLECTION, match[1])
    if match := ADDRESS.fullmatch(text):
        kind = TargetKind.MODEL if match[1] == "models" else TargetKind.VERSION
        return Target(kind, match[2])
    if (match := NUMBER.fullmatch(text)) and (text.startswith("model:") or len(text) < 10):
        return Target(TargetKind.MODEL, match[1])
    if match := HASH.fullmatch(text):
        return Target(TargetKind.HASH, match[1] or match[2])
    raise WrongUse(
        _(
            "{text} names nothing. Write a model's number, version:NUMBER, MODEL@VERSION, "
            "hash:DIGITS or collection:NUMBER; `atelier search` finds them."
        ).format(text=repr(text))
    )


def choose_all(hub: HubClient, target: Target, *, all_files: bool = False) -> Iterator[Choice]:
    """Everything that is meant: of a collection, the newest version of each model with a file."""
    if target.kind is not TargetKind.COLLECTION:
        yield choose(hub, target, all_files=all_files)
        return
    for row in hub.items("models/", limit=MAX_COLLECTED, collection=target.key):
        if row["version_id"] is None:
            continue
        version = RemoteVersion.read(hub.get(f"versions/{row['version_id']}/"))
        if version.files:
            yield Choice(version, version.files if all_files else version.files[:1])


def find_version(hub: HubClient, target: Target) -> RemoteVersion:
    """The version that is meant; of a model, the newest published one. Raises NotFound."""
    if target.kind is TargetKind.HASH:
        return choose(hub, target).version
    if target.kind is TargetKind.COLLECTION:
        raise WrongUse(_("A collection holds many models. Name one of them."))
    if target.kind is TargetKind.VERSION:
        return RemoteVersion.read(hub.get(f"versions/{target.key}/"))
    rows = hub.get(f"models/{target.key}/")["versions"]
    published = [row for row in rows if row["status"] == "Published"]
    if not (published or rows):
        raise NotFound(
            _("Model {number} has no version that you may see.").format(number=target.key)
        )
    return RemoteVersion.read((published or rows)[0])


def choose(hub: HubClient, target: Target, *, all_files: bool = False) -> Choice:
    """The version and the files of it that are meant: the primary one, or all of them.

    A hash means exactly its file. Raises NotFound, also for a hash that fits different files.
    """
    if target.kind is TargetKind.HASH:
        return choose_by_hash(hub, target.key)
    version = find_version(hub, target)
    if not version.files:
        raise NotFound(
            _("{model} {version} has no file.").format(
                model=version.model_name, version=version.name
            )
        )
    return Choice(version, version.files if all_files else version.files[:1])


def choose_by_hash(hub: HubClient, digits: str) -> Choice:
    """The file of a hash in its earliest publication."""
    answer = hub.get(f"files/by-hash/{digits}/")
    if answer["is_ambiguous"]:
        names = ", ".join(f"hash:{row['sha256'][:16]}" for row in answer["items"])
        raise NotFound(
            _("{digits} fits several files: {names}. Give more digits.").format(
                digits=digits, names=names
            ),
            code="ambiguous",
        )
    if not answer["items"]:
        raise NotFound(
            _("No file with the hash {digits} is on this hub, or you may not see it.").format(
                digits=digits
            )
        )
    row = answer["items"][0]
    version = RemoteVersion.read(hub.get(f"versions/{row['version_id']}/"))
    return Choice(version, (RemoteFile.read(row),))


def files_by_name(hub: HubClient, name: str, types: Sequence[str] = ()) -> tuple[Named, ...]:
    """What on the hub has the name of a file: one for each content, in its earliest publication."""
    rows = hub.get("files/by-name/", name=name, type=list(types))["items"]
    first: dict[str, Named] = {}
    for row in rows:
        title = f"{row['model_name']} {row['version_name']}"
        found = Named(row["version_id"], row["id"], title, row["file_name"], row["sha256"])
        first.setdefault(found.sha256, found)
    return tuple(first.values())


def choose_named(hub: HubClient, named: Named) -> Choice:
    """Exactly the file that was found by its name."""
    version = RemoteVersion.read(hub.get(f"versions/{named.version_id}/"))
    files = tuple(file for file in version.files if file.id == named.file_id)
    return Choice(version, files)
