"""Files of the registry that prompts name: which is meant, of those that a person may use."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.db.models import Q, QuerySet

from hub.accounts.models import Team, User
from hub.core.errors import AtelierError
from hub.formats.generation.prompt_resources import embeddings_in_prompt, networks_in_prompt
from hub.formats.generation.types import ResourceKind
from hub.formats.generation.values import file_stem
from models_registry.models.file import FileFormat, ModelFile, ScanStatus
from models_registry.models.model import ONLY_ASKED, ModelType
from models_registry.models.version import ModelVersion
from models_registry.services.download import check_download, download_name
from training.engine.config.prompt_lines import kept_lines, split_line

TYPES = {
    ResourceKind.LORA: (ModelType.LORA, ModelType.LOCON, ModelType.DORA),
    ResourceKind.HYPERNETWORK: (ModelType.HYPERNETWORK,),
    ResourceKind.EMBEDDING: (ModelType.TEXTUAL_INVERSION,),
}
#: Small files of the two other kinds are often A1111's .pt, which the trainer reads as plain data.
FORMATS = {
    ResourceKind.LORA: (FileFormat.SAFETENSOR,),
    ResourceKind.HYPERNETWORK: (FileFormat.SAFETENSOR, FileFormat.PICKLETENSOR),
    ResourceKind.EMBEDDING: (FileFormat.SAFETENSOR, FileFormat.PICKLETENSOR),
}
MOST_LIKE = 200  # files that begin with a name, or are looked at for names like it
NAMES_TOLD = 5
#: What a name needs nothing of; a header alone may have some hundred kilobytes.
LARGE = (
    *("header", "scan_report", "scan_message"),
    *("version__description", "version__training_config", "version__model__description"),
    *(f"version__model__{name}" for name in ONLY_ASKED),
)


@dataclass(frozen=True)
class Wisher:
    """Who draws, with which team, on which family of base models."""

    person: User
    team: Team | None
    family: str


@dataclass(frozen=True)
class NamedFile:
    """A file as a prompt calls it."""

    name: str
    file: ModelFile


class Why(StrEnum):
    """Why a file that prompts name is not used."""

    ABSENT = "absent"  # nobody has it, or the person may not use it
    TOO_MANY = "too_many"  # PROMPT_MAX_FILES
    TOO_LARGE = "too_large"  # with those before it, PROMPT_FILES_MAX_BYTES


@dataclass(frozen=True)
class MissingFile:
    """A name that is used for nothing, and some that there are."""

    kind: ResourceKind
    name: str
    known: tuple[str, ...] = ()
    why: Why = Why.ABSENT


@dataclass(frozen=True)
class PromptFiles:
    """What some prompts name."""

    files: tuple[NamedFile, ...] = ()
    missing: tuple[MissingFile, ...] = ()

    def names_missing(self, why: Why) -> list[str]:
        """The names that are used for nothing for a reason."""
        return [one.name for one in self.missing if one.why == why]

    @property
    def sentences(self) -> Iterator[str]:
        """What is told of the missing ones, in the trainer's language."""
        for one in self.missing:
            if one.why == Why.ABSENT:
                known = f"There are: {', '.join(one.known)}. " if one.known else ""
                yield (
                    f"The sample prompts name the {one.kind.value} {one.name}, and there is no "
                    "such file for this base model that the person who asked may use. "
                    f"{known}It is left out."
                )
        yield from (f"{sentence} They are left out." for sentence in self.beyond_limits)

    @property
    def beyond_limits(self) -> Iterator[str]:
        """What is told of those that the hub's limits do not let in."""
        if many := self.names_missing(Why.TOO_MANY):
            yield (
                f"The prompts name more files than the {settings.PROMPT_MAX_FILES} of the hub's "
                f"limit, as {', '.join(many)}."
            )
        if large := self.names_missing(Why.TOO_LARGE):
            yield (
                "The files that the prompts name are larger together than the "
                f"{settings.PROMPT_FILES_MAX_BYTES:,} bytes of the hub's limit, with "
                f"{', '.join(large)}."
            )


def files_named_in(lines: Sequence[str], wisher: Wisher) -> PromptFiles:
    """The files that lines of prompts name: networks by their tags, embeddings by their words.

    Of several with a name the person's own is meant, then the team's, then the newest. Embeddings
    are those of the person and the team alone: a word must not get a meaning from elsewhere.
    What goes beyond PROMPT_MAX_FILES or PROMPT_FILES_MAX_BYTES is missing too; embeddings get the
    room that networks leave. More names need no more queries, save those of early access.
    """
    parts = [split_line(line) for line in kept_lines(list(lines))]
    tags = sorted({(r.kind, r.name) for prompt, _ in parts for r in networks_in_prompt(prompt)})
    most = settings.PROMPT_MAX_FILES
    files, missing = _networks(tags[:most], wisher)
    missing += [MissingFile(kind, name, why=Why.TOO_MANY) for kind, name in tags[most:]]
    text = " ".join(f"{prompt} {options.get('n', '')}" for prompt, options in parts)
    words = _embeddings(text, wisher)
    known = {named.name.casefold() for named in words}
    for word in sorted({resource.name for resource in embeddings_in_prompt(text)}):
        if word.casefold() not in known:
            missing.append(MissingFile(ResourceKind.EMBEDDING, word))
    room = most - len(files)
    missing += [MissingFile(ResourceKind.EMBEDDING, n.name, why=Why.TOO_MANY) for n in words[room:]]
    return _within_bytes([*files, *words[:room]], missing)


def _networks(
    tags: Sequence[tuple[ResourceKind, str]], wisher: Wisher
) -> tuple[list[NamedFile], list[MissingFile]]:
    """The files that tags mean, and the tags that mean none; at most two queries for each kind."""
    files: list[NamedFile] = []
    missing: list[MissingFile] = []
    for kind in dict.fromkeys(kind for kind, _ in tags):
        names = [name for of_kind, name in tags if of_kind == kind]
        meant = _meant(kind, names, wisher)
        files += [NamedFile(name, meant[name]) for name in names if name in meant]
        absent = [name for name in names if name not in meant]
        there = _names_there(kind, wisher) if absent else []
        missing += [MissingFile(kind, name, _names_like(name, there)) for name in absent]
    return files, missing


def _within_bytes(files: list[NamedFile], missing: list[MissingFile]) -> PromptFiles:
    """The files up to the limit of bytes; one that would go beyond it is missing."""
    room, kept, seen = settings.PROMPT_FILES_MAX_BYTES, [], set()
    for named in files:
        blob = named.file.blob
        if blob.pk not in seen and blob.size_bytes > room:
            kind = next(k for k, types in TYPES.items() if named.file.version.model.type in types)
            missing.append(MissingFile(kind, named.name, why=Why.TOO_LARGE))
            continue
        room -= 0 if blob.pk in seen else blob.size_bytes
        seen.add(blob.pk)
        kept.append(named)
    return PromptFiles(tuple(kept), tuple(missing))


def _usable(kind: ResourceKind, wisher: Wisher) -> QuerySet[ModelFile]:
    """Cleared files of a kind that the person sees, for the family, newest first."""
    versions = ModelVersion.objects.visible_to(wisher.person).filter(
        model__type__in=TYPES[kind], base_model__family=wisher.family
    )
    return (
        ModelFile.objects.filter(
            version__in=versions, scan_status=ScanStatus.SUCCESS, format__in=FORMATS[kind]
        )
        .select_related("version__model", "version__base_model", "blob")
        .defer(*LARGE)
        .order_by("-pk")
    )


def _meant(kind: ResourceKind, names: Sequence[str], wisher: Wisher) -> dict[str, ModelFile]:
    """The file that each name means."""
    beginnings = _beginning_with(names)
    alike = _usable(kind, wisher).filter(
        Q(name__iregex=beginnings)
        | Q(override_name__iregex=beginnings)
        | Q(version__model__name__iregex=_beginning_with([n.partition("_")[0] for n in names]))
        | Q(output_name__in=names)
    )
    called: dict[str, list[ModelFile]] = {}
    for file in alike[: MOST_LIKE * len(names)]:
        own = {file_stem(text).casefold() for text in (download_name(file), file.name)}
        for name in names:
            if name.casefold() in own or file.output_name == name:
                called.setdefault(name, []).append(file)
    meant = {}
    for name, same in called.items():
        had = [file for file in same if _may_have(wisher.person, file)]
        if had:
            meant[name] = min(had, key=lambda file: _distance(file, wisher))
    return meant


def _beginning_with(names: Sequence[str]) -> str:
    """A pattern for texts that begin with one of some names."""
    return f"^(?:{'|'.join(map(re.escape, names))})"


def _may_have(person: User, file: ModelFile) -> bool:
    try:
        check_download(viewer=person, file=file)
    except AtelierError:
        return False
    return True


def _distance(file: ModelFile, wisher: Wisher) -> tuple[bool, bool]:
    """How far a model is from the person; of equals the first, which is the newest, is taken."""
    model = file.version.model
    is_team = wisher.team is not None and model.team_id == wisher.team.pk
    return model.owner_id != wisher.person.pk, not is_team


def _names_there(kind: ResourceKind, wisher: Wisher) -> list[str]:
    """Names of a kind that there are, the newest first."""
    files = _usable(kind, wisher)[:MOST_LIKE]
    return list(dict.fromkeys(file_stem(download_name(file)) for file in files))


def _names_like(name: str, there: Sequence[str]) -> tuple[str, ...]:
    return tuple(difflib.get_close_matches(name, there, NAMES_TOLD, 0.5) or there[:NAMES_TOLD])


def _embeddings(text: str, wisher: Wisher) -> list[NamedFile]:
    own = Q(version__model__owner=wisher.person)
    if wisher.team is not None:
        own |= Q(version__model__team=wisher.team)
    files = _usable(ResourceKind.EMBEDDING, wisher).filter(own)
    files = files.prefetch_related("version__trigger_word_sets__words")
    found: dict[str, NamedFile] = {}
    for file in files[:MOST_LIKE]:
        name = file_stem(download_name(file))
        is_word = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)
        if is_word and _may_have(wisher.person, file):
            found.setdefault(name, NamedFile(name, file))
    return list(found.values())
