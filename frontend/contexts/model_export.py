"""Many models at once: a zip, a JSON manifest, and a list that aria2 downloads by itself."""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.urls import reverse

from hub.formats.zip_stream import ZipMember
from hub.storage.archive_delivery import ArchiveEntry
from models_registry.install_paths import install_paths
from models_registry.models.file import ModelFile
from models_registry.models.model import Model, Viewer
from models_registry.models.version import ModelVersion
from models_registry.services.bulk import BulkFile, BulkPlan
from models_registry.services.download import download_name, download_token

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Export:
    """Models to hand out to somebody, of one title, on one origin (`http://hub.local:8000`)."""

    title: str
    models: tuple[Model, ...]
    viewer: Viewer
    origin: str
    is_complete: bool

    def manifest(self) -> dict[str, Any]:
        """The newest public version of each model with its cleared files, addresses and hashes."""
        return {
            "formatVersion": FORMAT_VERSION,
            "title": self.title,
            "isComplete": self.is_complete,
            "models": [self._entry(model) for model in self.models],
        }

    def aria2(self, plan: BulkPlan) -> str:
        """Input file for `aria2c -i`: address, place and checksum of every file.

        Links of what is not open to everyone are good for a day; aria2 goes on with them.
        """
        lines = (line for item in plan.files for line in self._aria2_entry(item))
        return "".join(f"{line}\n" for line in lines)

    def _entry(self, model: Model) -> dict[str, Any]:
        return {
            "id": model.pk,
            "name": model.name,
            "type": model.type,
            "creator": model.owner.username,
            "page": self.origin + reverse("model", args=[model.slug]),
            "folders": {
                path.program: path.folder for path in install_paths(model.type) if path.folder
            },
            "versions": [self._version(version) for version in model.public_versions[:1]],
        }

    def _version(self, version: ModelVersion) -> dict[str, Any]:
        return {
            "id": version.pk,
            "name": version.name,
            "baseModel": version.base_model.name if version.base_model else None,
            "trainedWords": version.trained_words,
            "files": [
                {
                    "id": file.pk,
                    "name": download_name(file),
                    "sizeBytes": file.size_bytes,
                    "hashes": file.hash_values,
                    "downloadUrl": self._address(file),
                }
                for file in version.facts.files
            ],
        }

    def _address(self, file: ModelFile) -> str:
        path = reverse("civitai-download", args=[file.version_id])
        return f"{self.origin}{path}?fileId={file.pk}"

    def _own_address(self, item: BulkFile) -> str:
        """For a program without a session: a link that works by itself where others need one."""
        version = item.file.version
        if version.model.is_for_everyone and not version.requires_sign_in:
            return self._address(item.file)
        name = PurePosixPath(item.path).name
        path = reverse(
            "civitai-signed-download", args=[download_token(item.file, viewer=self.viewer), name]
        )
        return f"{self.origin}{path}"

    def _aria2_entry(self, item: BulkFile) -> Iterator[str]:
        yield self._own_address(item)
        yield f"  out={item.path}"
        yield f"  checksum=sha-256={item.file.blob.sha256}"
        yield "  continue=true"


def archive_entries(plan: BulkPlan, export: Export) -> list[ArchiveEntry]:
    """The files of a plan as entries of an archive, the manifest first."""
    manifest = export.manifest() | {
        "paths": {str(item.file.pk): item.path for item in plan.files},
        "leftOut": [
            {"id": left.file.pk, "name": left.file.name, "reason": left.reason}
            for left in plan.left_out
        ],
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True).encode()
    first = ArchiveEntry(ZipMember("manifest.json", len(text), zlib.crc32(text)), data=text)
    files = (
        ArchiveEntry(ZipMember(item.path, item.file.size_bytes, item.crc32), blob=item.file.blob)
        for item in plan.files
    )
    return [first, *files]


def export_of(
    title: str, models: Iterable[Model], *, viewer: Viewer, origin: str, is_complete: bool
) -> Export:
    """An export of models as the catalogue reads them."""
    kept = tuple(model for model in models if not model.is_archived)
    return Export(title, kept, viewer, origin, is_complete)
