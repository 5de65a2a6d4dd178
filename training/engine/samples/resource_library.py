"""Trained files by the names that prompts use: <lora:name:0.7>, <hypernet:name:1>, embeddings."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from safetensors import safe_open

from hub.formats.generation.types import GenerationResource, ResourceKind
from training.engine.emphasis import networks_in
from training.engine.errors import ConfigError
from training.engine.files.file_writing import file_hash, tensor_hash
from training.engine.files.picture_embeddings import is_picture, word_of
from training.engine.samples.applying import AppliedFile, kind_of_file

SUFFIXES = (".safetensors", ".pt", ".bin")
SHORT_HASH = 12
_NETWORK = re.compile(r"<(lora|lyco|hypernet):([^:<>]+)((?::[^<>]*)?)>")
KINDS = {
    "lora": ResourceKind.LORA,
    "embedding": ResourceKind.EMBEDDING,
    "hypernetwork": ResourceKind.HYPERNETWORK,
}


@dataclass(frozen=True)
class PromptFiles:
    """The files that a prompt needs, and how they are named in its generation data.

    `idle` are the words, such as <lora:name:0.7>, of what does not act.
    """

    files: tuple[AppliedFile, ...] = ()
    resources: tuple[GenerationResource, ...] = ()
    idle: tuple[str, ...] = ()

    def shown(self, prompt: str) -> str:
        """Return a prompt without the words of what does not act."""
        for word in self.idle:
            prompt = prompt.replace(word, "")
        return prompt


class ResourceLibrary:
    """The trained files in some folders, found by their names without ending.

    A LoRA is found too by the name that its header gives it (`ss_output_name`), as A1111 refers to
    it; where a file has that name, it is the file that is meant. A picture is an embedding by the
    name in its text, where no other file has that. `place` says in an error where a missing file
    has to go.
    """

    def __init__(
        self, folders: Sequence[Path] = (), *, place: str = "Give its folder with --library."
    ) -> None:
        self._place = place
        self._paths: dict[str, Path] = {}
        self._kinds: dict[Path, str] = {}
        self._hashes: dict[Path, str] = {}
        for folder in folders:
            if not folder.is_dir():
                raise ConfigError(f"There is no folder {folder}. Check the path.")
            found = sorted(folder.rglob("*"))
            for path in (path for path in found if path.suffix in SUFFIXES):
                self._paths.setdefault(path.stem, path)
            for path in (path for path in found if is_picture(path)):
                self._paths.setdefault(word_of(path), path)

    def needed_by(
        self,
        prompt: str,
        negative: str = "",
        *,
        learned: Collection[str] = (),
        on_missing: Callable[[str], None] | None = None,
    ) -> PromptFiles:
        """Return what a prompt and its negative name; ConfigError for a name without a file.

        With `on_missing(sentence)` such a name is told, and does not act. `learned` are words that
        have a meaning already, whatever files are called so.
        """
        named: list[tuple[str, AppliedFile]] = []
        acting = set()
        for found in _NETWORK.finditer(prompt):
            try:
                named.append((found[2].strip(), self._network(*found.groups())))
                acting.add(found[0])
            except ConfigError as error:
                if on_missing is None:
                    raise
                on_missing(str(error))
        named += self._embeddings(_NETWORK.sub(" ", f"{prompt} {negative}"), learned)
        unique = {file.path: (name, file) for name, file in reversed(named)}  # the first counts
        kept = [one for _, file in named if (one := unique.pop(file.path, None)) is not None]
        resources = (replace(self.resource(file), name=name) for name, file in kept)
        idle = tuple(word for word in networks_in(prompt) if word not in acting)
        return PromptFiles(tuple(file for _, file in kept), tuple(resources), idle)

    def _embeddings(self, text: str, learned: Collection[str]) -> list[tuple[str, AppliedFile]]:
        known = {word.lower() for word in learned}
        found = []
        for name, path in self._paths.items():
            word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
            is_new = name.lower() not in known
            if is_new and word.search(text) and self._kind(path) == "embedding":
                found.append((name, AppliedFile(path)))
        return found

    def resource(self, file: AppliedFile) -> GenerationResource:
        """Return how a file is named in generation data, with the hash that A1111 shows.

        Raises ConfigError for a file that acts in no prompt.
        """
        kind = self._kind(file.path) or kind_of_file(file.path)  # which says what is wrong
        if kind not in KINDS:
            raise ConfigError(f"{file.path.name} is a checkpoint: use it as the base model.")
        found = self._hashes.get(file.path)
        if found is None:
            of_tensors = kind == "lora" and file.path.suffix == ".safetensors"
            whole = tensor_hash(file.path) if of_tensors else file_hash(file.path)
            found = self._hashes[file.path] = whole[:SHORT_HASH]
        first = file.weight if file.text_weight is None else file.text_weight
        weight = None if kind == "embedding" else first  # of two strengths, the one written first
        return GenerationResource(KINDS[kind], word_of(file.path), weight, found)

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
        if wanted == "lora" and (path is None or self._kind(path) != wanted):
            path = self._by_alias(name.strip())
        if path is None or self._kind(path) != wanted:
            known = sorted(n for n, p in self._paths.items() if self._kind(p) == wanted)
            raise ConfigError(
                f"The prompt names the {wanted} {name.strip()}, and there is no such file. "
                f"Known here: {', '.join(known) or 'none'}. {self._place}"
            )
        text_weight, weight = _weights(name, arguments)
        same = text_weight == weight
        return AppliedFile(path, weight, None if same else text_weight)

    def _by_alias(self, alias: str) -> Path | None:
        paths = self._aliases.get(alias, [])
        if len(paths) > 1:
            names = ", ".join(sorted(path.stem for path in paths))
            raise ConfigError(
                f"The prompt names the lora {alias}, which several files call themselves: {names}. "
                "Name the file instead."
            )
        return paths[0] if paths else None

    @cached_property
    def _aliases(self) -> dict[str, list[Path]]:
        """Return the LoRAs by what their headers call them; read where a name is no file's."""
        found: dict[str, list[Path]] = {}
        for path in self._paths.values():
            if path.suffix == ".safetensors" and self._kind(path) == "lora":
                with safe_open(path, framework="pt") as file:
                    alias = (file.metadata() or {}).get("ss_output_name", "")
                found.setdefault(alias, []).append(path)
        return found


def _weights(name: str, arguments: str) -> tuple[float, float]:
    """Return the strengths on text encoder and UNet: `:0.7`, `:0.5:0.8` or `:te=0.5:unet=0.8`."""
    given = {"te": "", "unet": ""}
    for key, argument in zip(("te", "unet"), arguments.split(":")[1:], strict=False):
        named, _, value = argument.rpartition("=")
        given[named.strip() or key] = value.strip()
    try:
        text = float(given["te"] or 1.0)
        unet = float(given["unet"] or text)
    except ValueError:
        text = unet = math.nan
    if not math.isfinite(text + unet):
        raise ConfigError(
            f"The strength of {name} in the prompt is no number: {arguments.strip(':')}."
        )
    return text, unet
