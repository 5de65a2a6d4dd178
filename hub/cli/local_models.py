"""Model files of this machine: what they are, by their bytes, their folder and their sidecars."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hub.cli.download import file_sha256
from hub.cli.errors import LocalProblem, reason_of
from hub.cli.folders import A1111_FOLDERS, COMFYUI_FOLDERS
from hub.cli.language import gettext as _
from hub.cli.pictures import MODEL_SUFFIXES
from hub.cli.sidecars import Sidecars, model_files, read_sidecars
from hub.formats.detection import FileType, detect_type
from hub.formats.errors import FormatError
from hub.formats.model_kind import ModelKind, guess_model_kind
from hub.formats.model_metadata import ModelMetadata, read_model_metadata
from hub.formats.safetensors_header import SafetensorsHeader, read_header

LYCORIS = {ModelKind.LOHA: "LoCon", ModelKind.LOKR: "LoCon"}


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model file with everything that is known about it here; `sha256` in lower case."""

    path: Path
    sha256: str
    size_bytes: int
    model_type: str
    metadata: ModelMetadata
    sidecars: Sidecars

    @property
    def name(self) -> str:
        """What the model is called: by its sidecar, by its header, else by its file."""
        stated = self.sidecars.model_name or self.metadata.title or self.metadata.output_name
        stem = name_as_text(self.path.stem).replace("_", " ")
        return (stated or stem).strip() or self.file_name

    @property
    def file_name(self) -> str:
        """What the file is called, as text."""
        return name_as_text(self.path.name)

    @property
    def base_model(self) -> str:
        """Name of the base model where something states it."""
        return self.sidecars.base_model or self.metadata.base_model or ""


def name_as_text(name: str) -> str:
    """The name of a file as the hub can keep it.

    Bytes that are no UTF-8 are read as GB18030: so archives made on Chinese Windows unpack.
    """
    data = os.fsencode(name)
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace")


def find_models(paths: Iterable[Path]) -> list[Path]:
    """Model files that were named, and those below named folders. Raises LocalProblem for none."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(model_files(path))
        elif path.is_file() and path.suffix.lower() in MODEL_SUFFIXES:
            found[path] = None
        elif not path.exists():
            raise LocalProblem(_("There is no {path}.").format(path=path), code="no_such_file")
        else:
            raise LocalProblem(
                _("{path} is no model file and no folder. Model files end in {suffixes}.").format(
                    path=path, suffixes=", ".join(MODEL_SUFFIXES)
                )
            )
    if not found:
        raise LocalProblem(_("There is no model file in that folder."))
    return list(found)


def read_local_model(path: Path, advance: Callable[[int], None]) -> LocalModel:
    """Hash a file and read what its header, sidecars and folder say. Raises LocalProblem."""
    try:
        if not path.stat().st_size:
            raise LocalProblem(_("{path} is empty.").format(path=path), code="empty_file")
        header = _header(path)
        sidecars = read_sidecars(path)
        return LocalModel(
            path=path,
            sha256=file_sha256(path, advance),
            size_bytes=path.stat().st_size,
            model_type=sidecars.model_type or _type_in_header(header) or _type_of_folder(path),
            metadata=read_model_metadata(header.metadata if header else {}),
            sidecars=sidecars,
        )
    except OSError as error:
        raise LocalProblem(
            _("{path} cannot be read: {reason}.").format(path=path, reason=reason_of(error))
        ) from error


def _header(path: Path) -> SafetensorsHeader | None:
    """The header of a safetensors file; the hub says what is wrong with a broken one."""
    try:
        return read_header(path) if detect_type(path) is FileType.SAFETENSORS else None
    except FormatError:
        return None


def _type_in_header(header: SafetensorsHeader | None) -> str:
    kind = guess_model_kind(header) if header is not None else ModelKind.UNKNOWN
    return "" if kind is ModelKind.UNKNOWN else LYCORIS.get(kind, kind.value)


def _type_of_folder(path: Path) -> str:
    """What the folder of a WebUI is for; a lone .ckpt is a checkpoint by name."""
    for folder in path.resolve().parents:
        for layout in (A1111_FOLDERS, COMFYUI_FOLDERS):
            for model_type, inside in layout.items():
                if folder.name.lower() == inside.rpartition("/")[2].lower():
                    return model_type
    return "Checkpoint" if path.suffix.lower() == ".ckpt" else ""
