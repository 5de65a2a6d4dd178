"""Published models for the price of a dozen statements.

The first of its kind goes through the services, and its rows are kept as plain values. The next
ones are written with what is their own in place of what was that one's.
tests/models_registry/test_factories.py compares both ways, table by table.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import GeneratedField
from django.db.models import Model as Row
from django.utils import timezone

from hub.accounts.models import Team, User
from hub.core.models import AuditEvent
from hub.storage.models import Blob
from models_registry.models.base_model import BaseModel
from models_registry.models.file import ModelFile
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model
from models_registry.models.revision import CardRevision
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWord, TriggerWordSet
from models_registry.search_text import hidden_words, index_words
from models_registry.services.names import clean_name, free_slug
from models_registry.services.words import write_tags
from models_registry.signals import version_published

Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """The rows of one published model; words by set, tags, and what the audit log says of it."""

    model: Columns
    version: Columns
    file: Columns
    words: tuple[tuple[Columns, tuple[Columns, ...]], ...]
    tags: tuple[str, ...]
    revisions: tuple[Columns, ...]
    audit: tuple[Columns, ...]


_kept: dict[Hashable, Kept] = {}


def published_like_it(key: Hashable) -> Kept | None:
    """The rows of an earlier one."""
    return _kept.get(key)


def keep(key: Hashable, version: ModelVersion) -> None:
    """Remember the rows of a version that was published through the services."""
    model, file = version.model, version.files.get()
    sets = version.trigger_word_sets.order_by("position")
    targets = {str(model.pk), str(version.pk), str(file.pk)}
    events = AuditEvent.objects.filter(target_id__in=targets).order_by("at", "pk")
    _kept[key] = Kept(
        model=columns(model),
        version=columns(version),
        file=columns(file),
        words=tuple(
            (columns(row), tuple(columns(word) for word in row.words.order_by("position")))
            for row in sets
        ),
        tags=_tags_of(model),
        revisions=tuple(columns(row) for row in model.revisions.order_by("pk")),
        audit=tuple(
            columns(row) for row in events if row.target_type.startswith("models_registry.")
        ),
    )


def _tags_of(model: Model) -> tuple[str, ...]:
    return tuple(model.tags.order_by("model_tags__position").values_list("name", flat=True))


def columns(row: Row) -> Columns:
    """What a row keeps, but for its key and what the database works out."""
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.primary_key and not isinstance(field, GeneratedField)
    }


@dataclass(frozen=True, slots=True)
class Own:
    """What is a new model's own."""

    owner: User
    team: Team | None
    name: str
    base_model: BaseModel
    blob: Blob
    look: Callable[[ModelFile], Mapping[str, str]]
    """Writes what is found in the bytes into the row; gives the hashes by kind."""
    file_name: str = ""
    """Beside none it is the model's."""


def write_again(kept: Kept, own: Own) -> ModelVersion:
    """Write the rows of a published model; returns its version."""
    now, owner_id, name = timezone.now(), own.owner.pk, clean_name(own.name)
    times = {"created_at": now, "updated_at": now, "published_at": now}
    mine: Columns = {
        "owner_id": owner_id,
        "team_id": own.team and own.team.pk,
        "last_version_at": now,
    }
    mine |= {"name": name, "slug": free_slug(name), "latest_version_id": None}
    mine |= {"last_version_at": now, "search_words": _search_words(kept, own, name)}
    model = Model(**{**kept.model, **times, **mine})
    model.save(force_insert=True)
    version = ModelVersion(
        **{**kept.version, **times, "model_id": model.pk, "base_model_id": own.base_model.pk}
    )
    version.save(force_insert=True)
    Model.objects.filter(pk=model.pk).update(latest_version=version, updated_at=now)
    file = _write_file(kept, own, version, own.file_name or f"{model.slug}.safetensors")
    _write_words(kept, version)
    if kept.tags:
        write_tags(model, kept.tags)
    _write_history(kept, own, (model, version, file))
    announce = partial(version_published.send, sender=ModelVersion, version_id=version.pk)
    transaction.on_commit(announce)
    return ModelVersion.objects.select_related("model").get(pk=version.pk)


def _search_words(kept: Kept, own: Own, name: str) -> str:
    words = (word["text"] for _set, row in kept.words for word in row)
    hidden = hidden_words(f"{name} {kept.model['description']}")
    texts = [own.owner.username, *kept.tags, kept.version["name"], *words, *hidden]
    return index_words(texts)


def _write_file(kept: Kept, own: Own, version: ModelVersion, name: str) -> ModelFile:
    mine = {"version_id": version.pk, "blob_id": own.blob.pk, "uploaded_by_id": own.owner.pk}
    file = ModelFile(**{**kept.file, **mine, "name": name})
    file.blob = own.blob
    hashes = own.look(file)
    file.save(force_insert=True)
    ModelFileHash.objects.bulk_create(
        ModelFileHash(file=file, kind=kind, value=value) for kind, value in hashes.items()
    )
    return file


def _write_words(kept: Kept, version: ModelVersion) -> None:
    for row, words in kept.words:
        made = TriggerWordSet.objects.create(**{**row, "version_id": version.pk})
        TriggerWord.objects.bulk_create(
            TriggerWord(**{**word, "set_id": made.pk}) for word in words
        )


def _write_history(kept: Kept, own: Own, rows: tuple[Model, ModelVersion, ModelFile]) -> None:
    model = rows[0]
    team = {"team": own.team.name} if own.team else {}
    own_fields = {"name": model.name, **team}
    CardRevision.objects.bulk_create(
        CardRevision(
            **{
                **row,
                "model_id": model.pk,
                "author_id": row["author_id"] and own.owner.pk,
                "fields": {**row["fields"], **own_fields},
            }
        )
        for row in kept.revisions
    )
    targets = {row._meta.label_lower: str(row.pk) for row in rows}
    told = {"sha256": own.blob.sha256}
    AuditEvent.objects.bulk_create(
        AuditEvent(
            **{
                **row,
                "actor_id": row["actor_id"] and own.owner.pk,
                "target_id": targets[row["target_type"]],
                "detail": told if row["detail"] else {},
            }
        )
        for row in kept.audit
    )
