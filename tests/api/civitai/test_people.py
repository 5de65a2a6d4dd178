"""`/creators`, `/tags`, `/users`, `/me`, `/enums`."""

import pytest

from hub.core.visibility import Visibility
from tests.factories.accounts import UserFactory
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


def test_creators_are_people_with_public_models_page_by_page(api):
    for number, name in enumerate(["aoi", "linmo", "mika"]):
        publish_model(owner=UserFactory(username=name), name=f"M{number}", seed=number)
    UserFactory(username="silent")
    publish_model(
        owner=UserFactory(username="secret"), name="S", seed=9, visibility=Visibility.PRIVATE
    )
    first = api.get("creators", limit=2)
    assert [row["username"] for row in first["items"]] == ["aoi", "linmo"]
    assert first["items"][0] == {
        "username": "aoi",
        "modelCount": 1,
        "link": "http://testserver/api/v1/models?username=aoi",
        "image": None,
    }
    assert {key: first["metadata"][key] for key in ("totalItems", "totalPages", "pageSize")} == {
        "totalItems": 3,
        "totalPages": 2,
        "pageSize": 2,
    }
    second = api.get("creators", limit=2, page=2)
    assert [row["username"] for row in second["items"]] == ["mika"]
    assert "nextPage" not in second["metadata"]
    assert "page=1" in second["metadata"]["prevPage"]
    assert [row["username"] for row in api.get("creators", query="LIN")["items"]] == ["linmo"]


def test_tags_are_those_of_public_models_most_used_first(api):
    publish_model(name="A", seed=1, tags=["style", "ink"])
    publish_model(name="B", seed=2, tags=["style"])
    publish_model(name="C", seed=3, tags=["hidden"], visibility=Visibility.PRIVATE)
    answer = api.get("tags")
    assert [row["name"] for row in answer["items"]] == ["style", "ink"]
    assert answer["items"][0]["link"] == "http://testserver/api/v1/models?tag=style"
    api.get("tags", limit=201, status=400)
    api.get("tags", limit=200)


def test_users_are_found_by_id_or_name(api):
    mika = UserFactory(username="mika")
    UserFactory(username="aoi")
    assert api.get("users", ids=mika.pk)["items"] == [{"id": mika.pk, "username": "mika"}]
    assert api.get("users", query="MIK")["items"] == [{"id": mika.pk, "username": "mika"}]
    api.get("users", status=400)


def test_me_needs_a_key(api, api_of):
    assert api.get("me", status=401) == {"error": "Unauthorized"}
    mika = UserFactory(username="mika")
    answer = api_of(mika).get("me")
    assert (answer["id"], answer["username"]) == (mika.pk, "mika")
    assert "email" not in answer


def test_enums_name_base_models_from_the_table(api):
    answer = api.get("enums")
    assert list(answer) == [
        "ModelType",
        "ModelFileType",
        "ActiveBaseModel",
        "BaseModel",
        "BaseModelType",
    ]
    assert {"SD 1.5", "SDXL 1.0", "Pony", "Atelier Tiny"} <= set(answer["ActiveBaseModel"])
    assert "SDXL 0.9" in answer["BaseModel"]
    assert "SDXL 0.9" not in answer["ActiveBaseModel"]
