"""Trained files by the names that prompts use: <lora:name:0.7>, <hypernet:name:1>, embeddings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.formats.generation.types import GenerationResource, ResourceKind
from training.engine.errors import ConfigError
from training.engine.files.file_writing import file_hash, tensor_hash
from training.engine.samples.applying import AppliedFile, kind_of_file

SUFFIXES = (".safetensors", ".pt")
SHORT_HASH = 12
_NETWORK = re.compile(r"<(lora|lyco|hypernet):([^:<>]+)((?::[^<>]*)?)>")
KINDS = {
    "lora": ResourceKind.LORA,
    "embedding": ResourceKind.EMBEDDING,
    "hypernetwork": ResourceKind.HYPERNETWORK,
}


@dataclass(frozen=True)
class PromptFiles:
    """The files that a prompt needs, and how they are named in its generation data."""

    files: tuple[AppliedFile, ...] = ()
    resources: tuple[GenerationResource, ...] = ()


class ResourceLibrary:
    """The trained files in some folders, found by their names without ending."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._paths: dict[str, Path] = {}
        self._kinds: dict[Path, str] = {}
        self._hashes: dict[Path, str] = {}
        for folder in folders:
            if not folder.is_dir():
                raise ConfigError(f"There is no folder {folder}. Check the path.")
            for path in sorted(folder.rglob("*")):
                if path.suffix in SUFFIXES:
                    self._paths.setdefault(path.stem, path)

    def needed_by(self, prompt: str, negative: str = "") -> PromptFiles:
        """Return what a prompt and its negative name; ConfigError for a name without a file."""
        found = [self._network(*match.groups()) for match in _NETWORK.finditer(prompt)]
        text = _NETWORK.sub(" ", f"{prompt} {negative}")
        for name, path in self._paths.items():
            word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
            if word.search(text) and self._kind(path) == "embedding":
                found.append(AppliedFile(path))
        unique = {file.path: file for file in reversed(found)}  # the first mention counts
        files = tuple(file for file in found if unique.pop(file.path, None) is not None)
        return PromptFiles(files, tuple(self.resource(file) for file in files))

    def resource(self, file: AppliedFile) -> GenerationResource:
        """Return how a file is named in generation data, with the hash that A1111 shows."""
        kind = self._kind(file.path)
        found = self._hashes.get(file.path)
        if found is None:
            whole = tensor_hash(file.path) if kind == "lora" else file_hash(file.path)
            found = self._hashes[file.path] = whole[:SHORT_HASH]
        first = file.weight if file.text_weight is None else file.text_weight
        weight = None if kind == "embedding" else first  # of two strengths, the one written first
        return GenerationResource(KINDS[kind], file.path.stem, weight, found)

    def _kind(self, path: Path) -> str:
        if path not in self._kinds:
            try:
                self._kinds[path] = kind_of_file(path)
            except ConfigError:
                self._kinds[path] = ""  # some other file that lies in the folder
        return self._kinds[path]

    def _network(self, word: str, name: str, arguments: str) -> AppliedFile:
        wanted = "hypernetwork" if word == "hypernet" else "lora"
        path = self._paths.get(name.strip())
        if path is None or self._kind(path) != wanted:
            known = sorted(n for n, p in self._paths.items() if self._kind(p) == wanted)
            raise ConfigError(
                f"The prompt names the {wanted} {name.strip()}, and there is no such file. "
                f"Known here: {', '.join(known) or 'none'}. Give its folder with --library."
            )
        text_weight, weight = _weights(name, arguments)
        same = text_weight == weight
        return AppliedFile(path, weight, None if same else text_weight)


def _weights(name: str, arguments: str) -> tuple[float, float]:
    """Return the strengths on text encoder and UNet: `:0.7`, `:0.5:0.8` or `:te=0.5:unet=0.8`."""
    given = {"te": "", "unet": ""}
    for key, argument in zip(("te", "unet"), arguments.split(":")[1:], strict=False):
        named, _, value = argument.rpartition("=")
        given[named.strip() or key] = value.strip()
    try:
        text = float(given["te"] or 1.0)
        return text, float(given["unet"] or text)
    except ValueError as error:
        raise ConfigError(
            f"The strength of {name} in the prompt is no number: {arguments.strip(':')}."
        ) from error
