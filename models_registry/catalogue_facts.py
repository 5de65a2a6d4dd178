"""What the catalogue prints of versions, read as plain rows and tied to them.

A list of 100 models comes with thousands of files, hashes, words and pictures; an object of the
ORM for each, and the clones that its prefetching makes, would cost more than the whole answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import groupby

from django.db.models import QuerySet, prefetch_related_objects

from hub.core.lookups import among
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model
from models_registry.models.recommendation import ExamplePrompt
from models_registry.models.tag import ModelTag
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWord


@dataclass(frozen=True, slots=True)
class Stored:
    """What an address of stored bytes is made of."""

    sha256: str
    content_type: str


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A cover; sizes in pixels."""

    id: int
    blob: Stored
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


#: Columns of versions and of files that no answer of the catalogue prints, and no list.
NEVER_PRINTED = ("changelog", "usage_tips", "training_config")
NOT_IN_LISTS = (
    *("created_at", "updated_at", "network_dim", "network_alpha"),
    *("epochs", "training_steps", "dataset_snapshot_uuid"),
)
OF_FILES = ("created_at", "updated_at", "header")


def printed_columns(
    versions: QuerySet[ModelVersion], *, in_list: bool = False
) -> QuerySet[ModelVersion]:
    """The versions without the columns that the catalogue does not print."""
    return versions.defer(*NEVER_PRINTED, *(NOT_IN_LISTS if in_list else ()))


def attach_tags(models: Iterable[Model]) -> None:
    """Give every model its `tag_names`, in one query."""
    rows = (
        ModelTag.objects.filter(among("model", [model.pk for model in models]))
        .order_by("position", "pk")
        .values_list("model_id", "tag__name")
    )
    names: dict[int, list[str]] = defaultdict(list)
    for model_id, name in rows:
        names[model_id].append(name)
    for model in models:
        model.loaded_tags = names[model.pk]


def attach_facts(versions: Sequence[ModelVersion]) -> None:
    """Give every version its `facts`, words and base model in a constant number of queries."""
    if not versions:
        return
    keys = [version.pk for version in versions]
    prefetch_related_objects(versions, "base_model")
    buried = [version for version in versions if version.is_tombstone]
    prefetch_related_objects(buried, "tombstone__files__hashes")
    files, pictures, examples = _files(versions, keys), _pictures(keys), _examples(keys)
    words = _words(keys)
    for version in versions:
        key = version.pk
        version.loaded_words = [word for word_set in words[key] for word in word_set.words]
        version.facts = VersionFacts(
            files=tuple(files[key]),
            pictures=tuple(pictures[key]),
            examples=tuple(examples[key]),
            word_sets=tuple(words[key]),
        )


def _files(versions: Sequence[ModelVersion], keys: list[int]) -> dict[int, list[ModelFile]]:
    """Cleared files, the primary one first, each with its size and its hashes."""
    by_key = {version.pk: version for version in versions}
    rows = list(
        ModelFile.objects.filter(among("version", keys), scan_status=ScanStatus.SUCCESS)
        .select_related("blob")
        .defer(*OF_FILES, "tensor_count", "parameter_count", "sshs", "blob__created_at")
        .order_by("-is_primary", "pk")
    )
    hashes = _hashes([row.pk for row in rows])
    found: dict[int, list[ModelFile]] = defaultdict(list)
    for row in rows:
        row.version = by_key[row.version_id]
        row.loaded_hashes = hashes[row.pk]
        found[row.version_id].append(row)
    return found


def _hashes(files: list[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = defaultdict(dict)
    rows = ModelFileHash.objects.filter(among("file", files))
    for file_id, kind, value in rows.values_list("file_id", "kind", "value"):
        found[file_id][kind] = value
    return found


def _pictures(keys: list[int]) -> dict[int, list[PictureFacts]]:
    rows = (
        VersionCover.objects.filter(among("version", keys))
        .order_by("position", "pk")
        .values_list(
            *("version_id", "blob__sha256", "blob__content_type", "pk", "width", "height"),
            *("nsfw_level", "blurhash", "generation_text"),
        )
    )
    found: dict[int, list[PictureFacts]] = defaultdict(list)
    for version_id, sha256, content_type, key, *facts in rows:
        found[version_id].append(PictureFacts(key, Stored(sha256, content_type), *facts))
    return found


def _examples(keys: list[int]) -> dict[int, list[ExampleFacts]]:
    rows = (
        ExamplePrompt.objects.filter(among("version", keys))
        .order_by("position", "pk")
        .values_list("version_id", *(field.name for field in fields(ExampleFacts)))
    )
    found: dict[int, list[ExampleFacts]] = defaultdict(list)
    for version_id, *facts in rows:
        found[version_id].append(ExampleFacts(*facts))
    return found


def _words(keys: list[int]) -> dict[int, list[WordSetFacts]]:
    rows = (
        TriggerWord.objects.filter(among("set__version", keys))
        .order_by("set__position", "set_id", "position", "pk")
        .values_list("set__version_id", "set_id", "set__name", "text")
    )
    found: dict[int, list[WordSetFacts]] = defaultdict(list)
    for (version_id, _set_id, name), words in groupby(rows, key=lambda row: row[:3]):
        found[version_id].append(WordSetFacts(name, tuple(row[3] for row in words)))
    return found
