"""What the catalogue prints of versions, read as plain rows and tied to them.

A list of 100 models comes with thousands of files, hashes, words and pictures; an object of the
ORM for each, and the clones that its prefetching makes, would cost more than the whole answer.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple, Self

from django.contrib.postgres.aggregates import StringAgg
from django.db import models
from django.db.models import QuerySet, TextField, Value, prefetch_related_objects
from django.db.models.functions import Cast, Concat

from hub.core.kept_queries import KeptRows
from hub.core.lookups import KeyedRows, among, row_of
from hub.storage.models import Blob
from models_registry.models.base_model import BaseModel
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model
from models_registry.models.recommendation import ExamplePrompt
from models_registry.models.tag import ModelTag
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWord


class PictureFacts(NamedTuple):
    """A cover with what the address of its bytes is made of; sizes in pixels.

    A tuple, as it comes from the database: a list of 100 models has 700 of them.
    """

    id: int
    sha256: str
    content_type: str
    width: int
    height: int
    nsfw_level: int
    blurhash: str
    generation_text: str


@dataclass(frozen=True, slots=True)
class ExampleFacts:
    """An example prompt with the settings it was meant for; size in pixels."""

    cover_id: int | None
    prompt: str
    negative: str
    note: str
    sampler: str
    steps: int | None
    cfg_scale: Decimal | None
    weight: Decimal | None
    seed: int | None
    clip_skip: int | None
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class WordSetFacts:
    """Trigger words that are used together; the first set of a version usually has no name."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """Everything around one version, each in the order in which it is shown."""

    files: tuple[ModelFile, ...]
    pictures: tuple[PictureFacts, ...]
    examples: tuple[ExampleFacts, ...]
    word_sets: tuple[WordSetFacts, ...]


class VersionRows(NamedTuple):
    """What comes with versions, as the database gave it; hashes by the file that they are of."""

    files: list[tuple[Any, ...]]
    hashes: list[tuple[Any, ...]]
    pictures: list[tuple[Any, ...]]
    examples: list[tuple[Any, ...]]
    words: list[tuple[Any, ...]]

    @classmethod
    def none(cls) -> Self:
        """Nothing yet."""
        return cls([], [], [], [], [])

    def give_to(self, others: Mapping[int, "VersionRows"]) -> None:
        """Put every row where its version's rows are, in the same order."""
        homes = {}
        for row in self.files:
            homes[row[0]] = home = others[row[FILE_VERSION]]
            home.files.append(row)
        for row in self.hashes:
            homes[row[0]].hashes.append(row)
        for row in self.pictures:
            others[row[0]].pictures.append(row)
        for row in self.examples:
            others[row[0]].examples.append(row)
        for row in self.words:
            others[row[0]].words.append(row)


#: Columns of versions and of files that no answer of the catalogue prints, and no list.
NEVER_PRINTED = ("changelog", "usage_tips", "training_config")
NOT_IN_LISTS = (
    *("created_at", "updated_at", "network_dim", "network_alpha"),
    *("epochs", "training_steps", "dataset_snapshot_uuid"),
)
NOT_OF_FILES = (
    *("created_at", "updated_at", "header", "uploaded_by_id", "stage"),
    *("tensor_count", "parameter_count", "sshs"),
)


def _columns(model: type[models.Model], *left_out: str) -> tuple[str, ...]:
    names = (field.attname for field in model._meta.concrete_fields)
    return tuple(name for name in names if name not in left_out)


LISTED_COLUMNS = _columns(ModelVersion, *NEVER_PRINTED, *NOT_IN_LISTS)
FILE_COLUMNS = _columns(ModelFile, *NOT_OF_FILES)
#: The report as text, which is read where a file is printed.
REPORT = FILE_COLUMNS.index("scan_report")
FILE_VALUES: list[str | Cast] = [*FILE_COLUMNS]
FILE_VALUES[REPORT : REPORT + 1] = [Cast("scan_report", TextField())]
FILE_VERSION = FILE_COLUMNS.index("version_id")
BLOB_COLUMNS = _columns(Blob, "created_at")

version_rows = KeyedRows(
    lambda models: (
        ModelVersion.objects.published()
        .filter(among("model", models))
        .order_by("-index", "-pk")
        .values_list(*LISTED_COLUMNS)
    )
)
tag_rows = KeyedRows(
    lambda models: (
        ModelTag.objects.filter(among("model", models))
        .order_by("position", "pk")
        .values_list("model_id", "tag__name")
    )
)
_files = KeyedRows(
    lambda versions: (
        ModelFile.objects.filter(among("version", versions), scan_status=ScanStatus.SUCCESS)
        .order_by("-is_primary", "pk")
        .values_list(*FILE_VALUES, *(f"blob__{name}" for name in BLOB_COLUMNS))
    )
)
#: One row for each file, since there are seven hashes of one: kinds and values in turn.
_hashes = KeyedRows(
    lambda files: (
        ModelFileHash.objects.filter(among("file", files))
        .order_by()
        .values_list("file_id")
        .annotate(joined=StringAgg(Concat("kind", Value(" "), "value"), delimiter=" "))
    )
)
_pictures = KeyedRows(
    lambda versions: (
        VersionCover.objects.filter(among("version", versions))
        .order_by("position", "pk")
        .values_list(
            *("version_id", "pk", "blob__sha256", "blob__content_type", "width", "height"),
            *("nsfw_level", "blurhash", "generation_text"),
        )
    )
)
_examples = KeyedRows(
    lambda versions: (
        ExamplePrompt.objects.filter(among("version", versions))
        .order_by("position", "pk")
        .values_list("version_id", *(field.name for field in fields(ExampleFacts)))
    )
)
_words = KeyedRows(
    lambda versions: (
        TriggerWord.objects.filter(among("set__version", versions))
        .order_by("set__position", "set_id", "position", "pk")
        .values_list("set__version_id", "set_id", "set__name", "text")
    )
)

_bases = KeptRows(lambda keys: BaseModel.objects.filter(among("pk", keys)))


def printed_columns(versions: QuerySet[ModelVersion]) -> QuerySet[ModelVersion]:
    """The versions without the columns that the catalogue does not print."""
    return versions.defer(*NEVER_PRINTED)


def attach_tags(models: Iterable[Model]) -> None:
    """Give every model its `tag_names`, in one query."""
    names: dict[int, list[str]] = defaultdict(list)
    for model_id, name in tag_rows(model.pk for model in models):
        names[model_id].append(name)
    for model in models:
        model.loaded_tags = names[model.pk]


def attach_facts(versions: Sequence[ModelVersion]) -> None:
    """Give every version its `facts`, words and base model in a constant number of queries."""
    if not versions:
        return
    attach_bases(versions)
    buried = [version for version in versions if version.is_tombstone]
    prefetch_related_objects(buried, "tombstone__files__hashes")
    attach_rows(versions, rows_of_versions(version.pk for version in versions))


def rows_of_versions(versions: Iterable[int]) -> VersionRows:
    """Everything that comes with versions of these keys, in five queries at most."""
    keys = list(versions)
    files = _files(keys)
    hashes = _hashes(row[0] for row in files)
    return VersionRows(files, hashes, _pictures(keys), _examples(keys), _words(keys))


def attach_rows(versions: Iterable[ModelVersion], rows: VersionRows) -> None:
    """Give every version its `facts` and words, made of these rows."""
    by_key = {version.pk: version for version in versions}
    files, pictures = _files_of(by_key, rows), _pictures_of(rows)
    examples, words = _examples_of(rows), _words_in_sets(rows.words)
    for key, version in by_key.items():
        version.loaded_words = [word for word_set in words[key] for word in word_set.words]
        version.facts = VersionFacts(
            files=tuple(files[key]),
            pictures=tuple(pictures[key]),
            examples=tuple(examples[key]),
            word_sets=tuple(words[key]),
        )


def attach_bases(versions: Iterable[ModelVersion]) -> None:
    """Give every version its base model, one object for all that share it."""
    bases = bases_of(version.base_model_id for version in versions)
    for version in versions:
        base = bases[version.base_model_id] if version.base_model_id else None
        version._state.fields_cache["base_model"] = base


def bases_of(keys: Iterable[int | None]) -> dict[int, BaseModel]:
    """Base models by key."""
    wanted = {key for key in keys if key is not None}
    return {row.pk: row for row in _bases(sorted(wanted))} if wanted else {}


def words_of(versions: Iterable[int]) -> dict[int, list[WordSetFacts]]:
    """Trigger words in their sets, both in order, by version."""
    return _words_in_sets(_words(versions))


def _files_of(
    versions: Mapping[int, ModelVersion], rows: VersionRows
) -> dict[int, list[ModelFile]]:
    """Cleared files, the primary one first, each with its size and its hashes."""
    width = len(FILE_COLUMNS)
    found: dict[int, list[ModelFile]] = defaultdict(list)
    hashes = {key: words.split(" ") for key, words in rows.hashes}
    for values in rows.files:
        version = versions[values[FILE_VERSION]]
        blob = row_of(Blob, BLOB_COLUMNS, values[width:])
        file = row_of(ModelFile, FILE_COLUMNS, values[:width], version=version, blob=blob)
        file.scan_report = json.loads(values[REPORT])
        words = hashes.get(values[0], [])
        file.loaded_hashes = dict(zip(words[::2], words[1::2], strict=True))
        found[values[FILE_VERSION]].append(file)
    return found


def _pictures_of(rows: VersionRows) -> dict[int, list[PictureFacts]]:
    found: dict[int, list[PictureFacts]] = defaultdict(list)
    for row in rows.pictures:
        found[row[0]].append(PictureFacts._make(row[1:]))
    return found


def _examples_of(rows: VersionRows) -> dict[int, list[ExampleFacts]]:
    found: dict[int, list[ExampleFacts]] = defaultdict(list)
    for version_id, *facts in rows.examples:
        found[version_id].append(ExampleFacts(*facts))
    return found


def _words_in_sets(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[WordSetFacts]]:
    found: dict[int, list[WordSetFacts]] = defaultdict(list)
    for (version_id, _set_id, name), words in groupby(rows, key=lambda row: row[:3]):
        found[version_id].append(WordSetFacts(name, tuple(row[3] for row in words)))
    return found
