"""Import by address, by key: begun, seen, stopped, gone on with, and made a file of a version."""

import pytest

from hub.accounts.models import Scope
from hub.storage.models import UploadPurpose
from models_registry.models.remote_import import RemoteImport, RemoteStatus
from tests.factories.accounts import UserFactory
from tests.factories.formats import lora_tensors, safetensors_bytes
from tests.factories.registry import make_model, make_version

pytestmark = pytest.mark.django_db

URL = "https://models.example/ink.safetensors"


def test_an_import_is_begun_and_seen_by_its_person_alone(api_of) -> None:
    program = api_of(UserFactory(), [Scope.MODELS_WRITE])
    begun = program.post("imports/", {"url": URL}, status=202)
    assert (begun["url"], begun["status"], begun["upload_id"]) == (URL, "queued", None)
    assert program.get(f"imports/{begun['id']}/") == begun
    assert program.get("imports/")["items"] == [begun]
    other = api_of(UserFactory())
    assert other.get(f"imports/{begun['id']}/", status=404)["code"] == "not_found"
    assert other.post(f"imports/{begun['id']}/cancel/", status=404)["code"] == "not_found"
    assert other.get("imports/")["items"] == []


def test_an_import_is_stopped_and_gone_on_with(api_of) -> None:
    program = api_of(UserFactory())
    path = f"imports/{program.post('imports/', {'url': URL}, status=202)['id']}/"
    assert program.post(f"{path}retry/", status=409)["code"] == "stale"
    assert program.post(f"{path}cancel/", status=200)["status"] == "canceled"
    assert program.post(f"{path}retry/", status=200)["status"] == "queued"


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://a.example/x", "gopher://a.example", "http://", "x" * 2001),
        *("https://a:b@c.example/x", "//a.example/x", "https://a.example:99999/x", "http://[::1/x"),
        "\x00",
    ],
)
def test_what_is_no_address_of_the_web_is_refused(url: str, api_of) -> None:
    answer = api_of(UserFactory()).post("imports/", {"url": url}, status=400)
    assert answer["error"]
    assert not RemoteImport.objects.exists()


def test_no_more_are_open_at_once_than_a_person_may_have(api_of) -> None:
    program = api_of(UserFactory())
    for number in range(5):
        program.post("imports/", {"url": f"{URL}?{number}"}, status=202)
    assert program.post("imports/", {"url": URL}, status=409)["code"] == "too_many_imports"


def test_a_reading_key_imports_nothing(api_of) -> None:
    reader = api_of(UserFactory(), [Scope.MODELS_READ])
    assert reader.post("imports/", {"url": URL}, status=403)["code"] == "scope_missing"
    assert reader.get("imports/", status=403)["code"] == "scope_missing"


def test_a_finished_import_is_added_to_a_version_as_any_upload(api_of, send) -> None:
    owner = UserFactory()
    program, version = api_of(owner), make_version(make_model(owner=owner))
    path = f"imports/{program.post('imports/', {'url': URL}, status=202)['id']}/"
    data = safetensors_bytes(lora_tensors())
    upload = send(owner, data, purpose=UploadPurpose.MODEL_FILE, name="ink.safetensors")
    RemoteImport.objects.update(status=RemoteStatus.SUCCEEDED, upload_uuid=upload.pk)
    arrived = program.get(path)
    assert arrived["status"] == "succeeded"
    body = {"upload_id": arrived["upload_id"]}
    added = program.post(f"versions/{version.pk}/files/", body)
    assert added["name"] == "ink.safetensors"
