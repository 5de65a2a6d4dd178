"""What stands on a model of its versions and files is what these say, after every service."""

from dataclasses import replace
from importlib import import_module

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from models_registry.catalogue import catalogue_page
from models_registry.file_kinds import FileKind, words_for, words_of
from models_registry.filters import ModelFilters, Scope, Sort, filtered
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.model import PUBLIC_STATES, Model
from models_registry.models.version import ModelVersion
from models_registry.services import edits, files, ingest, publish, removal, tombstones
from models_registry.services.file_facts import FileFacts, describe_file
from tests.factories.registry import (
    add_clean_file,
    base_model_named,
    make_version,
    publish_model,
)

pytestmark = pytest.mark.django_db
ANYONE = AnonymousUser()
FP16 = ["/fp16", "SafeTensor/", "SafeTensor/fp16"]


def told(model: Model) -> tuple[list[int], list[str]]:
    """What stands on the model, having compared it with what its rows say; words without a base."""
    row = Model.objects.get(pk=model.pk)
    public = ModelVersion.objects.filter(model=model, status__in=PUBLIC_STATES)
    rows = ModelFile.objects.filter(version__in=public, scan_status=ScanStatus.SUCCESS)
    words = set()
    for file in rows.select_related("version"):
        forms = {f"{file.format}/{file.precision}", f"{file.format}/", f"/{file.precision}"}
        base = file.version.base_model_id
        words |= {word for form in forms - {"/"} for word in (form, base and f"{base}:{form}")}
    bases = {version.base_model_id for version in public if version.base_model_id}
    assert (set(row.base_ids), set(row.file_kinds)) == (bases, words - {None})
    return row.base_ids, [word for word in row.file_kinds if ":" not in word]


def listed(**filters) -> list[str]:
    wanted = ModelFilters(**filters)
    in_pages = {model.name for model in filtered(ANYONE, wanted)}
    in_api = catalogue_page(viewer=ANYONE, filters=wanted, sort=Sort.NEWEST).items
    assert {model.name for model in in_api} <= in_pages
    return sorted(in_pages)


def test_words_leave_open_what_does_not_matter():
    assert words_of([FileKind("SafeTensor", "fp16"), FileKind("SafeTensor", "")]) == FP16
    assert words_of([FileKind("", "", 7)]) == []
    assert words_of([FileKind("GGUF", "", 7)]) == ["7:GGUF/", "GGUF/"]
    assert words_for(["GGUF", "Other"], []) == ["GGUF/", "Other/"]
    assert words_for([], ["fp16"]) == ["/fp16"]
    assert words_for(["GGUF"], ["int8", "int4"]) == ["GGUF/int8", "GGUF/int4"]
    assert words_for(["GGUF"], [], [7, 9]) == ["7:GGUF/", "9:GGUF/"]
    assert words_for(["GGUF"], [], []) == [], "of base models that there are none of"


def test_every_service_that_changes_files_and_versions_keeps_what_stands_on_the_model():
    version = publish_model(name="A", seed=1)
    model, owner, base = version.model, version.model.owner, version.base_model_id
    assert told(model) == ([base], FP16)

    second = make_version(model, base_model="SDXL 1.0")
    other = add_clean_file(second, seed=2, name="b.safetensors")
    assert told(model) == ([base], FP16), "drafts are not told of"
    edits.update_version(actor=owner, version=second, base_model="Flux.1 D")
    publish.publish_version(actor=owner, version=second)
    assert told(model)[0] == sorted([base, base_model_named("Flux.1 D").pk])
    edits.update_version(actor=owner, version=second, base_model="SDXL 1.0")
    assert told(model)[0] == sorted([base, base_model_named("SDXL 1.0").pk])
    publish.archive_model(actor=owner, model=model)
    publish.restore_model(actor=owner, model=model)
    assert told(model)[1] == FP16

    publish.unpublish_version(actor=owner, version=version)
    assert told(model) == ([base_model_named("SDXL 1.0").pk], FP16)
    files.rescan_file(actor=owner, file=ModelFile.objects.get(pk=other.pk))
    assert told(model)[1] == [], "while its files are looked at again"
    files.process_file(file_id=other.pk)
    assert told(model)[1] == FP16
    ingest.note_lost(other.pk, "The stored bytes are damaged.")
    assert told(model)[1] == [], "after a scan that failed"
    files.rescan_file(actor=owner, file=ModelFile.objects.get(pk=other.pk))
    files.process_file(file_id=other.pk)
    spare = add_clean_file(second, seed=3, name="c.safetensors", is_primary=False)
    nothing_told = {"scan_report": {"told": {"format": ""}}, "format": "Other", "precision": ""}
    ModelFile.objects.filter(pk=spare.pk).update(**nothing_told)
    facts = replace(FileFacts.of(ModelFile.objects.get(pk=spare.pk)), precision="bf16")
    describe_file(actor=owner, file=ModelFile.objects.get(pk=spare.pk), facts=facts)
    assert told(model)[1] == sorted([*FP16, "Other/", "Other/bf16", "/bf16"])
    files.remove_file(actor=owner, file=ModelFile.objects.get(pk=spare.pk))
    assert told(model)[1] == FP16

    tombstones.delete_files(actor=owner, version=second, reason="Trained on the wrong pictures.")
    assert told(model) == ([], [])
    assert listed(formats=["SafeTensor"]) == []
    third = make_version(model)
    removal.delete_draft_version(actor=owner, version=third)
    assert told(model) == ([], [])


def test_base_and_kind_are_asked_of_the_same_version():
    version = publish_model(name="A", seed=1)
    second = make_version(version.model, base_model="SDXL 1.0")
    file = add_clean_file(second, seed=2, name="b.safetensors")
    publish.publish_version(actor=version.model.owner, version=second)
    ModelFile.objects.filter(pk=file.pk).update(format="PickleTensor")
    files.make_primary(actor=version.model.owner, file=file)
    publish.unpublish_version(actor=version.model.owner, version=version)
    publish.publish_version(actor=version.model.owner, version=version)

    assert listed(base_models=["SDXL 1.0"]) == listed(formats=["PickleTensor"]) == ["A"]
    assert listed(base_models=["SDXL 1.0"], formats=["PickleTensor"]) == ["A"]
    assert listed(base_models=["SD 1.5"], formats=["SafeTensor"], precisions=["fp16"]) == ["A"]
    assert listed(base_models=["SD 1.5"], formats=["PickleTensor"]) == []
    assert listed(base_models=["SD 1.5"], version_ids=[second.pk]) == []
    assert listed(base_models=["nothing"]) == []


def test_drafts_in_a_list_of_ones_own_are_asked_for_their_files():
    version = make_version(publish_model(name="A", seed=1).model, base_model="SDXL 1.0")
    add_clean_file(version, seed=2, name="b.safetensors")
    mine = ModelFilters(scope=Scope.MINE, base_models=["SDXL 1.0"])
    owner = version.model.owner

    assert filtered(owner, mine).count() == 1
    assert filtered(owner, replace(mine, formats=["SafeTensor"])).count() == 1
    assert filtered(owner, replace(mine, published_only=True)).count() == 0


def test_what_stands_on_a_model_decides_nothing_about_who_sees_it():
    version = publish_model(name="A", seed=1)
    kinds = Model.objects.values_list("base_ids", "file_kinds").get()
    assert all(kinds)
    for hidden in ({"visibility": "private"}, {"visibility": "unlisted"}, {"status": "Draft"}):
        Model.objects.filter(pk=version.model_id).update(**hidden)
        assert listed(formats=["SafeTensor"], base_models=["SD 1.5"]) == listed() == []
        Model.objects.filter(pk=version.model_id).update(visibility="public", status="Published")


def test_the_migration_writes_what_the_services_do():
    version = publish_model(name="A", seed=1)
    publish_model(name="B", seed=2)
    make_version(version.model, base_model="SDXL 1.0")
    kept = list(Model.objects.order_by("pk").values_list("base_ids", "file_kinds"))
    Model.objects.update(base_ids=[], file_kinds=[])

    for name in ("0012_bases_and_kinds_of_files", "0013_kinds_of_files_by_base"):
        migration = import_module(f"models_registry.migrations.{name}")
        with connection.cursor() as cursor:
            cursor.execute(migration.FILL)

    assert list(Model.objects.order_by("pk").values_list("base_ids", "file_kinds")) == kept
