"""`/api/v1/model-versions/…`: by id, by hash, in bulk."""

import hashlib

import pytest

from hub.core.visibility import Visibility
from hub.storage.blobs import open_blob
from models_registry.models.file_hash import HashKind, ModelFileHash
from models_registry.services import publish
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model

pytestmark = pytest.mark.django_db


def hashes_of(version) -> dict[str, str]:
    return dict(ModelFileHash.objects.filter(file__version=version).values_list("kind", "value"))


def test_a_version_by_itself_names_its_model_and_says_which_file_is_primary(api):
    version = publish_model()
    extra = add_clean_file(version, seed=3, name="b.safetensors", is_primary=False)
    answer = api.get(f"model-versions/{version.pk}")
    assert answer["modelId"] == version.model_id
    assert answer["model"] == {"name": "Ink Wash", "type": "LORA", "nsfw": False, "poi": False}
    assert [file["primary"] for file in answer["files"]] == [True, False]
    assert answer["files"][1]["id"] == extra.pk
    assert answer["air"] == f"urn:air:sd1:lora:atelier:{version.model_id}@{version.pk}"
    assert answer["settings"]["strength"] == 0.8


def test_what_was_left_without_a_description_has_an_empty_one(api):
    version = publish_model(description="")
    [listed] = api.get("models")["items"]
    alone = api.get(f"model-versions/{version.pk}")
    assert [row["description"] for row in (listed, *listed["modelVersions"], alone)] == [""] * 3


def test_every_recorded_hash_finds_the_version_in_any_case(api):
    version = publish_model()
    known = hashes_of(version)
    assert set(known) == {"SHA256", "AutoV2", "AutoV3", "BLAKE3", "CRC32"}
    for value in known.values():
        for text in (value, value.lower()):
            assert api.get(f"model-versions/by-hash/{text}")["id"] == version.pk


def test_the_tensor_hash_in_all_its_digits_finds_the_version_too(api):
    version = publish_model()
    with open_blob(version.files.get().blob) as stream:
        stream.seek(8 + int.from_bytes(stream.read(8), "little"))
        digest = hashlib.sha256(stream.read()).hexdigest()
    assert api.get(f"model-versions/by-hash/{digest}")["id"] == version.pk


@pytest.mark.parametrize("text", ["1234567", "zzzzzzzzzz", "0" * 65, "e3b0c44298fc", "0" * 64])
def test_what_is_no_hash_or_not_here_is_404(api, text):
    publish_model()
    assert api.get(f"model-versions/by-hash/{text}", status=404) == {"error": "Model not found"}


def test_the_same_file_in_two_models_gives_the_one_published_first(api):
    first = publish_model(name="First", seed=1)
    publish_model(name="Second", seed=1)
    sha256 = hashes_of(first)["SHA256"]
    assert api.get(f"model-versions/by-hash/{sha256}")["id"] == first.pk


def test_a_short_hash_that_fits_two_files_is_reported_not_guessed(api):
    first, second = publish_model(name="A", seed=1), publish_model(name="B", seed=2)
    for version, tail in ((first, "AA"), (second, "BB")):
        ModelFileHash.objects.filter(file__version=version, kind=HashKind.BLAKE3).update(
            value="12345678" + tail
        )
    answer = api.get("model-versions/by-hash/12345678", status=409)
    assert answer["code"] == "AMBIGUOUS_HASH"
    assert answer["modelVersionIds"] == [first.pk, second.pk]
    assert api.get("model-versions/by-hash/12345678aa")["id"] == first.pk


def test_hashes_of_what_is_not_public_find_nothing(api, api_of):
    owner = UserFactory()
    hidden = publish_model(owner=owner, visibility=Visibility.PRIVATE)
    draft = make_version(make_model(owner=owner, name="Draft"))
    add_clean_file(draft, seed=7)
    for version in (hidden, draft):
        api.get(f"model-versions/by-hash/{hashes_of(version)['SHA256']}", status=404)
        api.get(f"model-versions/{version.pk}", status=404)
    mine = api_of(owner)
    assert mine.get(f"model-versions/by-hash/{hashes_of(hidden)['SHA256']}")["id"] == hidden.pk


def test_many_hashes_at_once_skip_what_is_missing(api):
    first, second = publish_model(name="A", seed=1), publish_model(name="B", seed=2)
    wanted = [hashes_of(first)["SHA256"].lower(), "0" * 64, hashes_of(second)["SHA256"]]
    assert [row["id"] for row in api.post("model-versions/by-hash", wanted)] == [
        first.pk,
        second.pk,
    ]
    found = api.post("model-versions/by-hash/ids", [hashes_of(first)["AutoV3"], "0" * 12])
    assert found == [
        {
            "modelVersionId": first.pk,
            "modelId": first.model_id,
            "hash": hashes_of(first)["AutoV3"],
        }
    ]


@pytest.mark.parametrize(
    "body",
    [{}, "x", [1], ["short"], ["0" * 64] * 101],
    ids=["object", "text", "number", "9", "101"],
)
def test_a_wrong_body_is_400(api, body):
    assert isinstance(api.post("model-versions/by-hash", body, status=400)["error"], str)


def test_a_hundred_hashes_are_allowed(api):
    assert api.post("model-versions/by-hash", ["0" * 64] * 100) == []


def test_the_short_form_says_what_a_downloader_needs(api):
    version = publish_model()
    file = version.files.get()
    answer = api.get(f"model-versions/mini/{version.pk}")
    assert answer["fileName"] == "ink-wash.safetensors"
    assert answer["size"] * 1024 == file.blob.size_bytes
    assert answer["downloadUrls"] == [f"http://testserver/api/download/models/{version.pk}"]
    api.get(f"model-versions/mini/{version.pk}", modelFileId=file.pk + 1, status=404)


def test_a_version_taken_back_is_gone_from_everywhere(api):
    version = publish_model()
    sha256 = hashes_of(version)["SHA256"]
    publish.unpublish_version(actor=version.model.owner, version=version)
    api.get(f"model-versions/{version.pk}", status=404)
    api.get(f"model-versions/by-hash/{sha256}", status=404)
    api.get(f"models/{version.model_id}", status=404)
    assert api.get("models")["items"] == []
