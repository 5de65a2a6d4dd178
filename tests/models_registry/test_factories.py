"""The short way of the factories leaves the same rows as the stages that files go through."""

from pathlib import Path
from typing import Any

import pytest
from django.db.models import Model as Row

from hub.core.models import AuditEvent
from models_registry.models.file import FileKind, ModelFile
from models_registry.models.version import ModelVersion
from models_registry.services import files
from tests.factories import published
from tests.factories.accounts import UserFactory, make_team
from tests.factories.comparisons import publish_tiny_lora
from tests.factories.registry import (
    add_clean_file,
    make_model,
    make_version,
    publish_model,
    store_lora,
)

pytestmark = pytest.mark.django_db
OWN = {"id", "created_at", "updated_at", "scanned_at", "search", "at", "file", "name", "slug"}
OWN |= {
    "trend",
    "published_at",
    "model",
    "version",
    "latest_version",
    "last_version_at",
    "owner",
    "uploaded_by",
}


def columns(row: Row) -> dict[str, Any]:
    """Every column that is not the row's own."""
    return {
        field.name: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name not in OWN
    }


def everything(file: ModelFile) -> list[Any]:
    file = ModelFile.objects.get(pk=file.pk)
    model, version = file.version.model, file.version
    cards = model.revisions.order_by("pk").values_list("fields", flat=True)
    return [
        *map(columns, [file, version, model]),
        [columns(row) for row in file.hashes.order_by("kind")],
        [list(words.words.values_list("text")) for words in version.trigger_word_sets.all()],
        [fields | {"name": ""} for fields in cards],
    ]


@pytest.mark.parametrize("kind", [FileKind.MODEL, FileKind.PRUNED_MODEL])
@pytest.mark.parametrize("words", [(), ("inkwash",)])
def test_a_clean_file_of_the_factory_is_one_that_went_through_every_stage(
    words: tuple[str, ...], kind: FileKind
) -> None:
    short = make_version(make_model(), trigger_words=words)
    whole = make_version(make_model(owner=short.model.owner), trigger_words=words)
    made = add_clean_file(short, kind=kind)
    seen = files.add_file(
        actor=whole.model.owner, version=whole, blob=store_lora(), name=made.name, kind=kind
    )
    files.process_file(file_id=seen.pk)
    assert made.is_clean
    assert everything(made) == everything(seen)


KINDS = [
    {},
    {"trigger_words": (), "weight": None, "base_model": "SDXL 1.0", "type": "Checkpoint"},
    {"trigger_words": ("ink_wash", "水墨"), "subject": "style", "description": "水墨 of *ink*"},
    {"visibility": "unlisted", "nsfw_level": 4, "tags": ["Line_Art", "水墨", "ink"]},
]


@pytest.mark.parametrize("with_team", [False, True])
@pytest.mark.parametrize("given", KINDS)
def test_a_published_model_that_is_written_again_is_one_of_the_services(
    given: dict[str, Any], with_team: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "_kept", {})
    found = []
    for name in ("Ink Wash", "水墨 two", "Ink Wash"):  # the first goes through the services
        owner = UserFactory(username=f"li_{len(found)}")
        team = {"team": make_team(owner=owner)} if with_team else {}
        version = publish_model(owner=owner, name=name, seed=len(found), **given, **team)
        found.append((version, owner))
    assert len(published._kept) == 1
    assert [version.model.slug for version, _ in found] == ["ink-wash", "two", "ink-wash-2"]

    monkeypatch.setattr(published, "_kept", {})
    again = [
        publish_model(owner=owner, name=version.model.name, seed=seed, **given, **team_of(version))
        for seed, (version, owner) in enumerate(found)
        if not published._kept.clear()
    ]
    for (written, _), made in zip(found, again, strict=True):
        assert everything_published(written) == everything_published(made)


def test_a_model_with_the_same_file_is_one_that_went_through_every_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "_kept", {})
    owner = UserFactory()
    publish_tiny_lora(owner, tmp_path)
    written = publish_tiny_lora(owner, tmp_path)
    assert len(published._kept) == 1
    monkeypatch.setattr(published, "_kept", {})
    whole = publish_tiny_lora(owner, tmp_path)
    assert written.files.get().name == whole.files.get().name == "ink.safetensors"
    whole.model.refresh_from_db()
    assert everything_published(written) == everything_published(whole)


def team_of(version: ModelVersion) -> dict[str, Any]:
    return {"team": version.model.team} if version.model.team else {}


def everything_published(version: ModelVersion) -> list[Any]:
    model, file = version.model, version.files.get()
    rows = {row._meta.label_lower: str(row.pk) for row in (model, version, file)}
    events = AuditEvent.objects.filter(target_id__in=rows.values()).order_by("at", "pk")
    latest = (model.latest_version_id, model.owner_id, model.last_version_at is not None)
    return [
        *everything(file),
        (latest[0] == version.pk, *latest[1:], model.name, file.uploaded_by_id, file.blob.sha256),
        model.search_words,
        list(model.model_tags.order_by("position").values_list("tag__name", "position")),
        [(row.author_id, row.fields) for row in model.revisions.order_by("pk")],
        [
            (row.actor_id, row.action, row.detail)
            for row in events
            if rows.get(row.target_type) == row.target_id
        ],
    ]
