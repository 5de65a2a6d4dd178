"""What a file of this machine says about itself; bytes are read, never run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.cli.errors import LocalProblem, reason_of
from hub.cli.language import gettext, words_of
from hub.cli.language import gettext_noop as _
from hub.cli.needed import generation_of
from hub.formats.detection import IMAGE_TYPES, PICKLE_TYPES, FileType, detect_type
from hub.formats.errors import FormatError
from hub.formats.generation.a1111 import emit_infotext
from hub.formats.gguf_header import read_gguf
from hub.formats.model_kind import guess_model
from hub.formats.model_metadata import read_model_metadata
from hub.formats.pickle_globals import Verdict
from hub.formats.pickles import scan_pickle
from hub.formats.safetensors_header import read_header

Row = tuple[str, object]

NOTES = {
    FileType.HDF5: _("may carry Python code in its layers; never load one from strangers"),
    FileType.ONNX: _("may name other files and call operators from outside"),
    FileType.UNKNOWN: _("of no kind that is known here"),
}
NO_DATA = _("none")
#: Values that are ours: on the screen they come in the person's language, as the names do.
SAID = frozenset({*NOTES.values(), NO_DATA})
PICKLE_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".pkl")


@dataclass(frozen=True, slots=True)
class LocalFacts:
    """Facts in order, by name; `metadata` is the header's own, as written."""

    path: str
    file_type: str
    size_bytes: int
    rows: tuple[Row, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


def inspect_local(path: Path) -> LocalFacts:
    """Read a model file or picture. Raises LocalProblem with what is wrong with it."""
    try:
        file_type, size_bytes = detect_type(path), path.stat().st_size
        rows, metadata = _facts(path, file_type)
    except OSError as error:
        raise LocalProblem(
            gettext("{path} cannot be read: {reason}.").format(path=path, reason=reason_of(error))
        ) from error
    except FormatError as error:
        raise LocalProblem(f"{path.name}: {words_of(error)}", code=error.code) from error
    return LocalFacts(str(path), file_type.value, size_bytes, tuple(rows), metadata)


def _facts(path: Path, file_type: FileType) -> tuple[list[Row], Mapping[str, str]]:
    if file_type is FileType.SAFETENSORS:
        return _safetensors(path)
    if file_type in PICKLE_TYPES or path.suffix.lower() in PICKLE_SUFFIXES:
        # The oldest pickles begin like any text: their name is what gives them away.
        return _pickle(path), {}
    if file_type is FileType.GGUF:
        return _gguf(path)
    if file_type in IMAGE_TYPES:
        return _picture(path), {}
    return [(_("note"), NOTES.get(file_type))], {}


def _safetensors(path: Path) -> tuple[list[Row], Mapping[str, str]]:
    header = read_header(path)
    stated, guess = read_model_metadata(header.metadata), guess_model(header)
    rows: list[Row] = [
        (_("model"), guess.kind.value),
        (_("architecture"), guess.architecture.value),
        (_("precision"), guess.precision.value),
        (_("tensors"), len(header.tensors)),
        (_("parameters"), guess.parameter_count),
        (_("title"), stated.title),
        (_("author"), stated.author),
        (_("licence"), stated.license),
        (_("base model"), stated.base_model),
        (_("trained on"), stated.sd_model_name),
        (_("trigger words"), list(stated.suggested_trigger_words())),
        (_("dim"), stated.network_dim or guess.rank),
        (_("alpha"), stated.network_alpha),
        (_("resolution"), "×".join(map(str, stated.resolution)) if stated.resolution else None),
        (_("clip skip"), stated.clip_skip),
        (_("epochs"), stated.epochs),
        (_("steps"), stated.steps),
        (_("learning rate"), stated.learning_rate),
        (_("optimizer"), stated.optimizer),
        (_("images"), stated.image_count),
        (_("description"), stated.description),
    ]
    return rows, header.metadata


def _gguf(path: Path) -> tuple[list[Row], Mapping[str, str]]:
    header = read_gguf(path)
    rows: list[Row] = [
        (_("architecture"), header.metadata.get("general.architecture")),
        (_("name"), header.metadata.get("general.name")),
        (_("packed as"), header.main_type),
        (_("tensors"), len(header.tensors)),
        (_("parameters"), sum(math.prod(tensor.shape) for tensor in header.tensors)),
        (_("author"), header.metadata.get("general.author")),
        (_("licence"), header.metadata.get("general.license")),
        (_("description"), header.metadata.get("general.description")),
    ]
    return rows, header.metadata


def _pickle(path: Path) -> list[Row]:
    report = scan_pickle(path)
    rows: list[Row] = [(_("verdict"), report.verdict.value), (_("problems"), list(report.problems))]
    for name, verdict in (
        (_("dangerous imports"), Verdict.DANGEROUS),
        (_("suspicious imports"), Verdict.SUSPICIOUS),
    ):
        found = [f"{item.module}.{item.name}" for item in report.imports_judged(verdict)]
        rows.append((name, found))
    return rows


def _picture(path: Path) -> list[Row]:
    data = generation_of(path)
    if data is None:
        return [(_("generation data"), NO_DATA)]
    return [(_("made by"), data.source.value), (_("generation data"), emit_infotext(data))]
