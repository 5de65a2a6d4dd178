"""Keeping a folder in step with a list of models on the hub.

`.atelier-sync.json` in the folder says what the list is and what was put there, so that a second
run asks only for what changed, and `--delete` takes away nothing that somebody else put there.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from hub.cli.answers import CLEARED, RemoteFile, RemoteVersion
from hub.cli.download import file_sha256
from hub.cli.errors import CliError, LocalProblem, Unreachable
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.pulling import Place, pull_file
from hub.cli.terminal import Terminal
from hub.formats.replaced_file import replaced_file

NOTES_NAME = ".atelier-sync.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """One file that a sync put here; paths are relative to the folder."""

    path: str
    sha256: str
    size_bytes: int
    modified_ns: int
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncNotes:
    """What the folder is kept in step with, and what is in it by file id."""

    hub: str
    query: Mapping[str, Any]
    layout: str
    files: Mapping[str, Kept] = field(default_factory=dict)
    all_pictures: bool = False


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did; `gone` are files that left the list."""

    new: tuple[str, ...]
    unchanged: int
    gone: tuple[str, ...]
    deleted: tuple[str, ...]
    failed: tuple[str, ...]


def read_notes(folder: Path) -> SyncNotes | None:
    """The notes of the last sync, None before the first. Raises LocalProblem."""
    path = folder / NOTES_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        files = {key: Kept(**row) for key, row in data.pop("files").items()}
        return SyncNotes(**data, files=files)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LocalProblem(
            _("{path} cannot be read ({reason}). Move it away and name the list.").format(
                path=path, reason=error
            )
        ) from error


def sync_folder(
    hub: HubClient, notes: SyncNotes, place: Place, terminal: Terminal, *, delete: bool
) -> SyncReport:
    """Fetch what is new or changed; with `delete`, take away what left the list.

    One file that fails does not stop the others; a hub that cannot be reached stops all, and what
    came so far is noted.
    """
    listed = _listed(hub, notes.query)
    kept: dict[str, Kept] = dict(notes.files)
    new, failed = [], []
    fresh = [
        (version, file)
        for version, file in listed
        if not _is_unchanged(place.root, kept.get(str(file.id)), file)
    ]
    try:
        for version, file in fresh:
            try:
                kept[str(file.id)] = _pull(hub, version, file, place, terminal)
                new.append(kept[str(file.id)].path)
            except Unreachable:
                raise
            except CliError as error:
                failed.append(f"{file.file_name}: {error.message}")
        gone = kept.keys() - {str(file.id) for _version, file in listed}
        deleted = [_delete(place.root, kept, key) for key in sorted(gone)] if delete else []
    finally:
        _write_notes(place.root, replace(notes, files=kept))
    return SyncReport(
        new=tuple(new),
        unchanged=len(listed) - len(fresh),
        gone=tuple(sorted(kept[key].path for key in gone if key in kept)),
        deleted=tuple(filter(None, deleted)),
        failed=tuple(failed),
    )


def _listed(hub: HubClient, query: Mapping[str, Any]) -> list[tuple[RemoteVersion, RemoteFile]]:
    """One file of the newest version of each model of the list; all before any is taken.

    The primary one; where the list asks for formats or precisions, the first that has them.
    """
    found = []
    for row in hub.items("models/", **query):
        if row["version_id"] is None:
            continue
        version = RemoteVersion.read(hub.get(f"versions/{row['version_id']}/"))
        cleared = [file for file in version.files if file.scan_status == CLEARED]
        fitting = [file for file in cleared if _fits(file, query)]
        found += [(version, file) for file in fitting[:1]]
    return found


def _fits(file: RemoteFile, query: Mapping[str, Any]) -> bool:
    """Whether a file has a format and a precision of those that were asked for."""
    formats, precisions = query.get("format"), query.get("precision")
    has_format = not formats or file.format in formats
    return has_format and (not precisions or file.precision in precisions)


def _pull(
    hub: HubClient, version: RemoteVersion, file: RemoteFile, place: Place, terminal: Terminal
) -> Kept:
    pulled = pull_file(hub, version, file, place, terminal)
    path = Path(pulled.path)
    return Kept(
        path=path.relative_to(place.root).as_posix(),
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        modified_ns=path.stat().st_mtime_ns,
        beside=tuple(Path(name).relative_to(place.root).as_posix() for name in pulled.beside),
    )


def _is_unchanged(root: Path, kept: Kept | None, file: RemoteFile) -> bool:
    """By size and time, as make does: hashing a whole collection each time would take hours."""
    if kept is None or kept.sha256 != file.sha256:
        return False
    try:
        facts = (root / kept.path).stat()
    except OSError:
        return False
    return (facts.st_size, facts.st_mtime_ns) == (kept.size_bytes, kept.modified_ns)


def _delete(root: Path, kept: dict[str, Kept], key: str) -> str:
    """Take a file and its sidecars away; nothing when somebody changed it since."""
    entry = kept[key]
    path = root / entry.path
    if path.exists() and file_sha256(path) != entry.sha256:
        return ""
    for name in (entry.path, *entry.beside):
        inside = (root / name).resolve()
        if inside.is_relative_to(root.resolve()):
            inside.unlink(missing_ok=True)
    del kept[key]
    return entry.path


def _write_notes(folder: Path, notes: SyncNotes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with replaced_file(folder / NOTES_NAME) as out:
        out.write(json.dumps(asdict(notes), indent=2, ensure_ascii=False).encode())
