"""The short way of the factories leaves the same rows as the stages that files go through."""

from typing import Any

import pytest
from django.db.models import Model as Row

from models_registry.models.file import FileKind, ModelFile
from models_registry.services import files
from tests.factories.registry import add_clean_file, make_model, make_version, store_lora

pytestmark = pytest.mark.django_db
OWN = {"id", "created_at", "updated_at", "scanned_at", "search", "at", "file", "name", "slug"}
OWN |= {"trend", "model", "version", "latest_version", "last_version_at", "owner", "uploaded_by"}


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
