"""The upload page after its files are with the hub: one model of them, or one of each."""

import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.html import Element, parse_html
from django.test.utils import CaptureQueriesContext

from hub.storage.models import Upload, UploadStatus
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import files
from tests.factories.accounts import UserFactory
from tests.factories.registry import publish_model, store_lora

pytestmark = pytest.mark.django_db

ADDRESS = "/models/upload/"
CARD = {"name": "Ink", "type": "LORA", "base_model": "SD 1.5", "visibility": "public"}


@pytest.fixture
def person():
    return UserFactory()


@pytest.fixture
def page(person):
    client = Client()
    client.force_login(person)
    return client


def sent(person, seed: int, name: str) -> str:
    from django.utils import timezone

    blob = store_lora(seed=seed)
    upload = Upload.objects.create(
        owner=person,
        purpose="model_file",
        filename=name,
        size_bytes=blob.size_bytes,
        offset_bytes=blob.size_bytes,
        status=UploadStatus.COMPLETE,
        blob=blob,
        sha256=blob.sha256,
        expires_at=timezone.now(),
    )
    return str(upload.pk)


def test_several_files_are_one_version_and_the_first_is_its_main_file(page, person):
    uploads = [sent(person, 1, "b.safetensors"), sent(person, 2, "a.safetensors")]
    assert page.post(ADDRESS, {**CARD, "upload": uploads}).status_code == 302
    version = Model.objects.get().versions.get()
    names = list(version.files.order_by("pk").values_list("name", "is_primary"))
    assert names == [("b.safetensors", True), ("a.safetensors", False)]


def test_or_each_is_a_model_named_by_its_file(page, person):
    uploads = [sent(person, 1, "ink_wash.safetensors"), sent(person, 2, "mist.safetensors")]
    answer = page.post(ADDRESS, {**CARD, "upload": uploads, "separate": "on"})
    assert answer["Location"] == "/models/?scope=mine"
    assert sorted(Model.objects.values_list("name", flat=True)) == ["ink wash", "mist"]


def test_bytes_that_are_here_are_used_without_being_sent(page):
    there = publish_model(name="There", seed=5).files.get()
    value = f"sha256:{there.blob.sha256} mine.safetensors"
    page.post(ADDRESS, {**CARD, "upload": [value]})
    made = Model.objects.exclude(name="There").get().versions.get().files.get()
    assert (made.name, made.blob_id) == ("mine.safetensors", there.blob_id)
    assert not Upload.objects.exists()


def test_the_hash_of_a_file_that_is_kept_from_somebody_gives_nothing(page):
    hidden = publish_model(name="Hidden", seed=6, visibility="private").files.get()
    value = f"sha256:{hidden.blob.sha256} mine.safetensors"
    assert page.post(ADDRESS, {**CARD, "upload": [value]}).status_code == 422
    assert not Model.objects.exclude(name="Hidden").exists()


@pytest.mark.parametrize("values", [[], ["nonsense"], ["sha256:abc x"], [""]])
def test_without_files_nothing_is_made_and_what_was_typed_stays(page, values):
    answer = page.post(ADDRESS, {**CARD, "upload": values})
    assert answer.status_code == 422
    assert "Send the model file first." in answer.content.decode()
    assert 'value="Ink"' in answer.content.decode()
    assert not Model.objects.exists()


def test_the_people_of_a_model_check_change_and_remove_its_files(page, person):
    uploads = [sent(person, 1, "a.safetensors"), sent(person, 2, "b.safetensors")]
    page.post(ADDRESS, {**CARD, "upload": uploads})
    first, second = Model.objects.get().versions.get().files.order_by("pk")
    for file in (first, second):
        files.process_file(file_id=file.pk)
    shown = page.get("/models/ink/").content.decode()
    assert f"/models/files/{first.pk}/remove/" in shown
    assert "The safetensors header is valid and complete." in shown
    page.post(f"/models/files/{second.pk}/primary/")
    second.refresh_from_db()
    assert second.is_primary
    page.post(f"/models/files/{second.pk}/rescan/")
    second.refresh_from_db()
    assert second.scan_status == "Pending"
    stranger = Client()
    stranger.force_login(UserFactory())
    assert stranger.post(f"/models/files/{first.pk}/remove/").status_code == 404
    page.post(f"/models/files/{first.pk}/remove/")
    assert list(Model.objects.get().versions.get().files.all()) == [second]


def test_while_files_are_checked_the_page_hears_only_what_is_different(page, person):
    page.post(ADDRESS, {**CARD, "upload": [sent(person, 1, "a.safetensors")]})
    file = Model.objects.get().versions.get().files.get()
    shown = page.get("/models/ink/").content.decode()
    progress = re.search(r'"progress": "([^"]+)"', shown)[1]
    asked = {"v": "1", "progress": progress}
    with CaptureQueriesContext(connection) as queries:
        answer = page.get("/models/ink/", asked, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert '"models_registry_review"' not in str(queries.captured_queries)
    files.process_file(file_id=file.pk)
    answer = page.get("/models/ink/", asked, headers={"HX-Request": "true"}).content.decode()

    assert "Publish this version" in answer
    assert '"progress"' not in answer


def parts_called(names: list[str], part: Element | str) -> Iterator[Element]:
    """The elements with these ids."""
    if isinstance(part, str):
        return
    if dict(part.attributes).get("id") in names:
        yield part
    for child in part.children:
        yield from parts_called(names, child)


def test_what_is_new_of_the_files_comes_without_touching_the_weight(page, person):
    page.post(ADDRESS, {**CARD, "upload": [sent(person, 1, "a.safetensors")]})
    ModelVersion.objects.update(weight_default="0.80")
    shown = page.get("/models/ink/").content.decode()
    names = re.search(r'id="state"[^>]* hx-select-oob="#([^"]+)"', shown)[1].split(",#")
    parts = list(parts_called(names, parse_html(shown)))
    swapped = "".join(map(str, parts))

    assert len(parts) == len(names)
    assert "a.safetensors" in swapped
    assert 'id="weight"' in shown
    assert 'id="weight"' not in swapped
