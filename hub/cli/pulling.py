"""Bringing files of the hub to this machine, with what belongs beside them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from hub.cli.answers import RemoteFile, RemoteVersion
from hub.cli.carrying import KEY, carried_facts
from hub.cli.download import Wanted, fetch, file_sha256, safe_name
from hub.cli.errors import CliError, LocalProblem, NotFound, Refused, reason_of
from hub.cli.folders import Layout, folder_for
from hub.cli.hub_client import HubClient
from hub.cli.language import gettext as _
from hub.cli.pictures import numbered_path, preview_path
from hub.cli.sidecars import info_path, write_sidecars
from hub.cli.terminal import Terminal
from hub.formats.replaced_file import replaced_file

MAX_PICTURE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where pulled files go."""

    root: Path
    layout: Layout
    with_sidecars: bool = True
    all_pictures: bool = False


@dataclass(frozen=True, slots=True)
class Pulled:
    """One file that is here now; `is_new` is False when it was here before.

    `beside` are the sidecars that were written now.
    """

    file_id: int
    version_id: int
    model: str
    path: str
    sha256: str
    size_bytes: int
    is_new: bool
    beside: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def pull_file(
    hub: HubClient, version: RemoteVersion, file: RemoteFile, place: Place, terminal: Terminal
) -> Pulled:
    """Fetch a file into its folder and write its sidecars. Raises CliError."""
    target, is_here = target_of(version, file, place)
    if not is_here:
        fetch(hub, Wanted(file.download_url, target, file.sha256, file.size_bytes), terminal)
    beside = _sidecars(hub, version, target, place, file.sha256) if place.with_sidecars else []
    return Pulled(
        file_id=file.id,
        version_id=version.id,
        model=f"{version.model_name} {version.name}",
        path=str(target),
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        is_new=not is_here,
        beside=tuple(str(path) for path in beside),
    )


def target_of(version: RemoteVersion, file: RemoteFile, place: Place) -> tuple[Path, bool]:
    """Where a file goes, and whether it is there already.

    Beside another file of the same name it gets its number too.
    """
    folder = folder_for(
        place.root, place.layout, model_type=version.model_type, base_family=version.base_family
    )
    plain = folder / safe_name(file.file_name)
    for path in (plain, plain.with_name(f"{plain.stem}_{file.id}{plain.suffix}")):
        if not path.exists():
            return path, False
        if _is_it(path, file):
            return path, True
    raise LocalProblem(
        _(
            "{first} and {second} are other files than the one to fetch. "
            "Move one away and pull again."
        ).format(first=plain, second=path),
        code="name_taken",
    )


def _is_it(path: Path, file: RemoteFile) -> bool:
    return path.stat().st_size == file.size_bytes and file_sha256(path) == file.sha256


def _sidecars(
    hub: HubClient, version: RemoteVersion, target: Path, place: Place, sha256: str
) -> list[Path]:
    try:
        is_told = info_path(target).exists()
        civitai = None if is_told else _civitai_info(hub, version.id)
        written = write_sidecars(target, version, sha256, civitai)
        return [*written, *_pictures(hub, version, target, place)]
    except OSError as error:
        raise LocalProblem(
            _("{name} is here, but a file beside it cannot be written: {reason}.").format(
                name=target.name, reason=reason_of(error)
            )
        ) from error


def _pictures(hub: HubClient, version: RemoteVersion, target: Path, place: Place) -> list[Path]:
    """The first picture as the preview, and where all are wanted the others numbered."""
    covers = [row for row in version.covers if row["content_type"].startswith("image/")]
    if not covers:
        return []
    places = {preview_path(target, covers[0]["content_type"]): covers[0]}
    for number, row in enumerate(covers[1:] if place.all_pictures else (), start=2):
        places[numbered_path(target, number, row["content_type"])] = row
    wanted = [(path, row) for path, row in places.items() if not path.exists()]
    return [path for path, row in wanted if _fetch_picture(hub, row, path)]


def _civitai_info(hub: HubClient, version_id: int) -> Mapping[str, Any] | None:
    """The version as Civitai's tools know it; drafts have no such form."""
    try:
        data = hub.answer("GET", f"/api/v1/model-versions/{version_id}").json()
    except (NotFound, Refused):
        return None
    if not isinstance(data, dict):
        return None
    return data | {KEY: carried_facts(hub, version_id)}


def _fetch_picture(hub: HubClient, cover: Mapping[str, Any], path: Path) -> bool:
    """A picture is an extra: without it the model is whole still."""
    digest = sha256()
    try:
        with hub.stream(cover["url"], {"Accept": "image/*"}) as answer, replaced_file(path) as out:
            for chunk in answer.iter_bytes():
                if out.tell() + len(chunk) > MAX_PICTURE_BYTES:
                    raise LocalProblem(_("The picture is larger than any picture here may be."))
                out.write(chunk)
                digest.update(chunk)
            if digest.hexdigest() != cover["sha256"]:
                raise LocalProblem(_("The picture did not come whole."))
    except CliError:
        return False
    return True
