"""Many models in one download: which files, where each goes, and how they are counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from django.db import transaction
from django.utils import timezone

from hub.accounts.models import User
from hub.core.errors import AtelierError
from models_registry.install_paths import A1111, COMFYUI, folder_in
from models_registry.models.download import Download
from models_registry.models.file import ModelFile
from models_registry.models.file_hash import HashKind
from models_registry.models.model import Model, Viewer
from models_registry.services.counters import add_downloads
from models_registry.services.download import check_download, download_name

#: Whose folders an archive follows; the empty one has a folder for each type.
LAYOUTS: Mapping[str, str] = {"": "", "a1111": A1111, "comfyui": COMFYUI}


@dataclass(frozen=True, slots=True)
class BulkFile:
    """A file at its place; `crc32` as zlib counts it."""

    path: str
    file: ModelFile
    crc32: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that this person may not have now, and why."""

    file: ModelFile
    reason: str


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """What goes into a download of many models, in a fixed order."""

    files: tuple[BulkFile, ...]
    left_out: tuple[LeftOut, ...]


def plan_bulk(*, viewer: Viewer, models: Iterable[Model], layout: str = "") -> BulkPlan:
    """The cleared files of the newest public version of each model, at paths that differ.

    `models` are those of the catalogue; permissions are those of a single download.
    """
    files, left_out = [], []
    taken: set[str] = set()
    for model in models:
        for version in model.public_versions[:1]:
            for file in version.clean_files:
                file.version = version  # with everything that the catalogue read
                version.model = model
                try:
                    check_download(viewer=viewer, file=file)
                except AtelierError as error:
                    left_out.append(LeftOut(file, error.message))
                    continue
                path = _free_path(_path(model, file, LAYOUTS[layout]), file, taken)
                files.append(BulkFile(path, file, _crc32(file)))
    return BulkPlan(tuple(files), tuple(left_out))


def record_bulk(
    *,
    plan: BulkPlan,
    user: User | None = None,
    visitor: str = "",
    now: datetime | None = None,
) -> int:
    """Count every version once for each person and day, as single downloads; how many counted."""
    day = (now or timezone.now()).date()
    who: dict[str, object] = {"user": user} if user is not None else {"visitor": visitor}
    files = {item.file.version_id: item.file for item in plan.files}
    with transaction.atomic():
        # In one order, and before looking: two downloads at once count once.
        models = {file.version.model_id for file in files.values()}
        locked = Model.objects.select_for_update(of=("self",)).filter(pk__in=models)
        list(locked.order_by("pk").values_list("pk", flat=True))
        counted = set(
            Download.objects.filter(version_id__in=files, download_date=day, **who).values_list(
                "version_id", flat=True
            )
        )
        fresh = [file for version_id, file in files.items() if version_id not in counted]
        Download.objects.bulk_create(
            Download(version_id=file.version_id, file=file, download_date=day, **who)
            for file in fresh
        )
        add_downloads(version_ids=[file.version_id for file in fresh])
    return len(fresh)


def _path(model: Model, file: ModelFile, program: str) -> str:
    folder = folder_in(program, model.type) if program else ""
    return f"{folder or model.type}/{download_name(file)}"


def _free_path(path: str, file: ModelFile, taken: set[str]) -> str:
    """The path, with the number of the file where another has the same one on some disk."""
    while path.casefold() in taken:
        pure = PurePath(path)
        path = str(pure.with_name(f"{pure.stem}_{file.pk}{pure.suffix}"))
    taken.add(path.casefold())
    return path


def _crc32(file: ModelFile) -> int:
    """The recorded checksum, whose bytes Civitai prints in reversed order."""
    shown = next(row.value for row in file.hashes.all() if row.kind == HashKind.CRC32)
    return int.from_bytes(bytes.fromhex(shown), "little")
