"""Many models at once for programs: a JSON manifest, and a list that aria2 downloads by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from models_registry.install_paths import install_paths
from models_registry.models.file import ModelFile
from models_registry.models.file_hash import HashKind
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services.download import download_name

EXPORT_LIMIT = 1000
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Export:
    """Models to hand out, of one title, on one origin (`http://hub.local:8000`)."""

    title: str
    models: tuple[Model, ...]
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

    def aria2(self) -> str:
        """Input file for `aria2c -i`: address, name and checksum of every file."""
        lines = [
            line
            for model in self.models
            for version in model.public_versions[:1]
            for file in version.facts.files
            for line in self._aria2_entry(file)
        ]
        return "".join(f"{line}\n" for line in lines)

    def _entry(self, model: Model) -> dict[str, Any]:
        return {
            "id": model.pk,
            "name": model.name,
            "type": model.type,
            "creator": model.owner.username,
            "page": self.origin + reverse("model", args=[model.slug]),
            "folders": {path.program: path.folder for path in install_paths(model.type)},
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

    def _aria2_entry(self, file: ModelFile) -> Iterator[str]:
        yield self._address(file)
        yield f"  out={download_name(file)}"
        if sha256 := file.hash_values.get(HashKind.SHA256.value):
            yield f"  checksum=sha-256={sha256.lower()}"
        yield "  continue=true"


def export_of(title: str, models: Iterable[Model], *, origin: str, is_complete: bool) -> Export:
    """An export of models as the catalogue reads them."""
    kept = tuple(model for model in models if not model.is_archived)
    return Export(title=title, models=kept, origin=origin, is_complete=is_complete)
