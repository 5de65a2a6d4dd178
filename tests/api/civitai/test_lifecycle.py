"""Unlisted, hidden and deleted things on the wire."""

import pytest
from django.test import Client

from models_registry.services.engagement import set_engagement
from models_registry.services.tombstones import delete_files
from tests.factories.accounts import UserFactory
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


def ids(client: Client, query: str = "") -> list[int]:
    return [item["id"] for item in client.get(f"/api/v1/models{query}").json()["items"]]


def test_by_hash_still_answers_for_a_version_whose_files_were_deleted(client):
    version = publish_model()
    sha256 = version.files.get().blob.sha256
    delete_files(actor=version.model.owner, version=version, reason="Replaced by v2")
    answer = client.get(f"/api/v1/model-versions/by-hash/{sha256}")
    item = answer.json()

    assert answer.status_code == 200
    assert item["id"] == version.pk
    assert item["status"] == "Deleted"
    assert item["trainedWords"] == ["inkwash"]
    assert item["files"] == []
    assert "downloadUrl" not in item
    assert item["removal"]["reason"] == "Replaced by v2"
    assert item["removal"]["files"][0]["hashes"]["SHA256"] == sha256.upper()
    assert (
        client.post(
            "/api/v1/model-versions/by-hash", [sha256], content_type="application/json"
        ).json()[0]["id"]
        == version.pk
    )


def test_a_download_of_deleted_files_is_gone_with_the_reason(client):
    version = publish_model()
    delete_files(actor=version.model.owner, version=version, reason="Replaced by v2")
    answer = client.get(f"/api/download/models/{version.pk}")

    assert answer.status_code == 410
    assert "Replaced by v2" in answer.json()["error"]
    assert ids(client) == []


def test_an_unlisted_model_is_in_no_list_but_answers_by_id(client):
    version = publish_model(visibility="unlisted")
    model_id = version.model_id

    assert ids(client) == ids(client, f"?ids={model_id}") == ids(client, "?query=ink") == []
    assert client.get(f"/api/v1/models/{model_id}").json()["availability"] == "Unsearchable"
    assert client.get(f"/api/v1/model-versions/{version.pk}").status_code == 200
    assert client.get(f"/api/download/models/{version.pk}").status_code == 307
    sha256 = version.files.get().blob.sha256
    assert client.get(f"/api/v1/model-versions/by-hash/{sha256}").status_code == 404
    assert client.get("/api/v1/creators").json()["items"] == []


def test_hidden_models_are_left_out_and_listed_when_asked_for(client):
    version = publish_model()
    reader = UserFactory()
    set_engagement(actor=reader, model=version.model, kind="hide", is_on=True)
    mine = Client()
    mine.force_login(reader)

    assert ids(mine) == []
    assert ids(mine, "?hidden=true") == [version.model_id]
    assert ids(client) == [version.model_id]
