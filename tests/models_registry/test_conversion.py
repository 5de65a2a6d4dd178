"""Conversion as people ask for it: who may, what comes of it, what is told when it fails."""

import pickle
from datetime import timedelta

import pytest
import torch
from django.test import Client
from django.utils import timezone, translation

from hub.core.errors import Conflict, NotAllowed
from hub.core.tasks import TaskName
from hub.storage.blobs import open_blob, store_bytes
from models_registry.models.conversion import ConversionStatus, FileConversion
from models_registry.models.file import FileFormat, ModelFile, ScanStatus
from models_registry.queries import file_of
from models_registry.services import conversion, files
from models_registry.services.drafts import create_version
from models_registry.tasks import convert_file_task
from tests.factories.accounts import UserFactory
from tests.factories.registry import make_model
from tests.hub.formats.test_detection import torch_bytes

pytestmark = pytest.mark.django_db

EMBEDDING = torch_bytes({"string_to_param": {"*": torch.ones(2, 768)}, "name": "cat"})


@pytest.fixture
def version():
    model = make_model(type="TextualInversion")
    return create_version(actor=model.owner, model=model)


def added(version, data: bytes, name: str = "cat.pt") -> ModelFile:
    blob = store_bytes(data, content_type="application/octet-stream")
    file = files.add_file(actor=version.model.owner, version=version, blob=blob, name=name)
    return files.process_file(file_id=file.pk)


def test_an_embedding_becomes_a_safetensors_file_beside_it(version):
    file = added(version, EMBEDDING)
    assert file.scan_status == ScanStatus.SUCCESS
    row = conversion.request_conversion(actor=version.model.owner, file=file)
    convert_file_task(conversion_id=row.pk, later_argument=1)
    row.refresh_from_db()
    assert (row.status, row.failure) == (ConversionStatus.SUCCEEDED, "")
    made = files.process_file(file_id=row.result_id)
    assert (made.name, made.format) == ("cat.safetensors", FileFormat.SAFETENSOR)
    assert (made.scan_status, made.is_primary) == (ScanStatus.SUCCESS, True)
    assert made.header["atelier.converted_from_sha256"] == file.blob.sha256
    assert made.scan_report["looks_like"] == "TextualInversion"
    version.refresh_from_db()
    assert version.base_model.name == "SD 1.5"
    convert_file_task(conversion_id=row.pk)
    assert version.files.count() == 2
    with pytest.raises(Conflict):
        conversion.request_conversion(actor=version.model.owner, file=file)


def test_a_pickle_that_is_only_suspicious_can_be_converted_too(version):
    content = {"state_dict": {"a": torch.ones(2), "b": torch.ones(2)}, "extra": torch.nn.Linear}
    file = added(version, torch_bytes(content), name="model.ckpt")
    assert file.scan_status == ScanStatus.ERROR
    row = conversion.request_conversion(actor=version.model.owner, file=file)
    conversion.run_conversion(conversion_id=row.pk)
    row.refresh_from_db()
    with open_blob(row.result.blob) as made:
        assert b'"a":{"dtype":"F32"' in made.read(400)


def test_strangers_dangerous_files_and_other_formats_are_refused(version):
    file = added(version, EMBEDDING)
    with pytest.raises(NotAllowed):
        conversion.request_conversion(actor=UserFactory(), file=file)
    evil = added(version, b"\x80\x02cposix\nmkdir\n)R.", name="evil.pt")
    assert evil.scan_status == ScanStatus.DANGER
    text = added(version, b"steps: 20\n", name="a.txt")
    for other in (evil, text):
        with pytest.raises(Conflict):
            conversion.request_conversion(actor=version.model.owner, file=other)
    assert not FileConversion.objects.exists()


def test_a_failure_is_told_in_the_language_of_the_page_and_can_be_tried_again(version):
    owner = version.model.owner
    file = added(version, pickle.dumps({"a": 1}, 2))
    with translation.override("zh-hans"):
        row = conversion.request_conversion(actor=owner, file=file)
    conversion.run_conversion(conversion_id=row.pk)
    row.refresh_from_db()
    assert row.status == ConversionStatus.FAILED
    assert row.failure
    assert "cannot be read" not in row.failure
    again = conversion.request_conversion(actor=owner, file=file)
    assert (again.pk, again.status, again.failure) == (row.pk, ConversionStatus.QUEUED, "")


def test_a_conversion_whose_worker_died_is_begun_again(
    version, settings, django_capture_on_commit_callbacks
):
    settings.CONVERSION_TIMEOUT_SECONDS = 60
    row = FileConversion.objects.create(
        file=added(version, EMBEDDING), status=ConversionStatus.RUNNING
    )
    soon = timezone.now() + timedelta(minutes=2)
    late = timezone.now() + timedelta(seconds=61) + conversion.LOST_GRACE
    with django_capture_on_commit_callbacks() as callbacks:
        assert conversion.resume_conversions(now=soon) == 0
        assert conversion.resume_conversions(now=late) == 1
    assert [call.args for call in callbacks] == [(str(TaskName.REGISTRY_CONVERT_FILE),)]
    row.refresh_from_db()
    assert row.status == ConversionStatus.QUEUED


def test_the_page_and_the_api_offer_it_to_the_models_people_alone(version):
    file, owner = added(version, EMBEDDING), version.model.owner
    page, stranger = Client(), Client()
    page.force_login(owner)
    stranger.force_login(UserFactory())
    button = f"/models/files/{file.pk}/convert/"
    assert button in page.get(f"/models/{version.model.slug}/").content.decode()
    assert stranger.post(button).status_code == 404
    address = f"/api/v2/files/{file.pk}/conversion/"
    assert page.get(address).status_code == 404
    assert page.post(button).status_code == 302
    assert page.get(address).json()["status"] == "queued"
    assert page.post(address).status_code == 409
    assert stranger.post(address).status_code == 404
    shown = page.get(f"/models/{version.model.slug}/").content.decode()
    assert button not in shown
    assert "Waiting" in shown
    assert file_of(viewer=owner, file_id=file.pk).conversion.requested_by == owner
