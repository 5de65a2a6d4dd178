"""Bringing to this machine the files that prompts name, under the names that prompts use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hub.formats.generation.prompt_resources import NETWORK, networks_in_prompt
from hub.storage.blobs import ensure_local
from training.jobs.services.prompt_files import (
    MissingFile,
    NamedFile,
    PromptFiles,
    Wisher,
    files_named_in,
)
from training.worker.failures import PermanentFailureError

LIBRARY = "library"


def stage_prompt_files(lines: Sequence[str], wisher: Wisher, root: Path) -> PromptFiles:
    """Lay out the files that prompts name below `root`/library; what is not named any more goes.

    Raises FileNotFoundError when the store has lost one, OSError.
    """
    found = files_named_in(lines, wisher)
    _lay_out(found.files, root)
    return found


def stage_every_prompt_file(lines: Sequence[str], wisher: Wisher, root: Path) -> PromptFiles:
    """The same for pictures that a name without a file ends, as those of grids and comparisons.

    Raises PermanentFailureError where the hub's limits do not let all of them in, before anything
    is copied.
    """
    found = files_named_in(lines, wisher)
    if sentences := list(found.beyond_limits):
        raise PermanentFailureError("prompt_files_limit", " ".join(sentences))
    _lay_out(found.files, root)
    return found


def _lay_out(files: Sequence[NamedFile], root: Path) -> None:
    places = list(places_of(files, root))
    wanted = {path for path, _sha256 in places}
    for path in (root / LIBRARY).glob("*/*"):
        if path not in wanted:
            path.unlink()
    for (path, _sha256), named in zip(places, files, strict=True):
        ensure_local(named.file.blob, path.parent, name=path.name)


def places_of(files: Sequence[NamedFile], root: Path) -> Iterator[tuple[Path, str]]:
    """Where each file lies, and its hash; a name is one that a file has, so it is no path."""
    for named in files:
        sha256 = named.file.blob.sha256
        suffix = Path(named.file.name).suffix or ".safetensors"
        yield root / LIBRARY / sha256 / f"{Path(named.name).name}{suffix}", sha256


def without_missing(lines: Sequence[str], missing: Sequence[MissingFile]) -> list[str]:
    """The prompts without the tags of files that are not there, which act nowhere."""
    absent = {(one.kind, one.name) for one in missing}
    kept = []
    for line in lines:
        for tag in [match[0] for match in NETWORK.finditer(line)]:
            (resource,) = networks_in_prompt(tag)
            if (resource.kind, resource.name) in absent:
                line = line.replace(tag, "")  # noqa: PLW2901
        kept.append(line)
    return kept
