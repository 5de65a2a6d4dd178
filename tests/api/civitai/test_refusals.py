"""How v1 says no: each shape, each header, and never the site's page."""

import json

import pytest
from django.db import OperationalError
from django.test import Client

from hub.api.civitai import people
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        *("models/{}", "models?ids={}", "models?modelVersionIds={}", "models?limit={}"),
        *("model-versions/{}", "model-versions/mini/{}", "model-files/{}/tensor-metadata"),
        *("collections/{}", "users?ids={}", "permissions/check?entityType=Model&entityIds={}"),
    ],
)
def test_a_number_of_thousands_of_digits_is_a_wrong_one_and_no_error_of_ours(api, path):
    assert api.raw(f"/api/v1/{path.format('9' * 5000)}").status_code in {400, 404}


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("models?limit=x", 400, {"error": {"formErrors": [], "fieldErrors": {"limit": [...]}}}),
        ("images?limit=x", 400, {"error": {"formErrors": [], "fieldErrors": {"limit": [...]}}}),
        ("models?cursor=x", 400, {"error": ..., "message": ...}),
        ("models?page=11", 429, {"error": ..., "message": ...}),
        ("images?cursor=x", 400, {"error": ..., "code": "BAD_REQUEST"}),
        ("images?page=11", 429, {"error": ..., "code": "TOO_MANY_REQUESTS"}),
        ("creators?limit=x", 400, {"error": ..., "message": ...}),
        ("tags?page=0", 400, {"error": ..., "message": ...}),
        ("users", 400, {"error": ..., "code": "BAD_REQUEST"}),
        ("models/7", 404, {"error": "No model with id 7"}),
        ("model-versions/7", 404, {"error": "Model not found"}),
        ("model-versions/by-hash/0123456789", 404, {"error": "Model not found"}),
        ("model-versions/0", 400, {"error": "Invalid id"}),
        ("me", 401, {"error": "Unauthorized"}),
        ("models?favorites=false", 401, {"error": "Unauthorized"}),
        ("models?" + "ids=1&" * 1001, 400, {"error": ..., "message": ...}),
        ("nothing/here", 404, {"error": "Not found"}),
        ("", 404, {"error": "Not found"}),
        ("vault/all", 404, {"error": "Not found"}),
        ("collections/9", 404, {"error": ...}),
        ("collections?limit=0", 400, {"error": "Expected a number from 1 to 100"}),
        ("model-files/9/tensor-metadata", 404, {"error": "File not found"}),
        ("model-files/x/tensor-metadata", 400, {"error": "Invalid id"}),
        ("permissions/check", 400, {"error": ...}),
        ("permissions/check?entityIds=1&entityType=Post", 400, {"error": ...}),
    ],
)
def test_each_refusal_has_its_shape_and_is_never_kept(api, path, status, body):
    response = api.raw(f"/api/v1/{path}")
    assert response.status_code == status
    assert response["Cache-Control"] == "no-store, max-age=0"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert alike(response.json(), body), response.json()


@pytest.mark.parametrize("path", ["model-versions/7", "models?limit=x", "models?cursor=x", "me"])
def test_refusals_are_in_english_whatever_a_browser_would_like(api, path):
    answers = [
        api.raw(f"/api/v1/{path}", headers={"Accept-Language": language}).json()
        for language in ("en", "zh-hans")
    ]
    assert answers[0] == answers[1]


def alike(answer, wanted) -> bool:
    """Equal, where `...` stands for any text."""
    if wanted is ...:
        return isinstance(answer, str) and answer != ""
    if isinstance(wanted, dict):
        return answer.keys() == wanted.keys() and all(
            alike(answer[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return len(answer) == len(wanted) and all(map(alike, answer, wanted))
    return answer == wanted


@pytest.mark.parametrize(
    "address", ["/api/download/else", "/api/download/models/", "/api/v1/models/1/more"]
)
def test_a_wrong_address_gives_json_even_to_a_browser(api, address):
    response = api.raw(address, headers={"Accept": "text/html"})
    assert (response.status_code, response.json()) == (404, {"error": "Not found"})


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
def test_a_wrong_verb_is_405_and_names_the_right_ones(api, verb):
    for path in ("models", "me", "images", "model-versions/1"):
        response = api.raw(f"/api/v1/{path}", method=verb)
        assert (response.status_code, response.json()) == (405, {"error": "Method not allowed"})
        assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_a_browser_on_another_site_may_send_its_key(api):
    for path in ("models", "me", "model-versions/by-hash", "model-versions/by-hash/0123456789"):
        preflight = api.raw(
            f"/api/v1/{path}",
            method="options",
            headers={"Origin": "https://else", "Access-Control-Request-Headers": "authorization"},
        )
        assert (preflight.status_code, preflight.content) == (200, b"")
        assert preflight["Access-Control-Allow-Headers"] == "*, Authorization"


@pytest.mark.parametrize(
    "path",
    [
        "models?query=%00",
        "models?tag=%00",
        "models?username=a%00",
        "models?baseModels=%00",
        "images?username=%00",
        "creators?query=%00",
        "tags?query=%00",
        "users?query=%00",
    ],
)
def test_a_character_that_the_database_cannot_hold_is_400(api, path):
    assert api.raw(f"/api/v1/{path}").status_code == 400


@pytest.mark.parametrize(
    "cursor", ["WzEsMl0", "WzFlOTk5LDEsMV0", "WyIxIixudWxsLDFd", "%FF", "é", "="]
)
@pytest.mark.parametrize("sort", ["Highest Rated", "Newest"])
def test_a_cursor_that_is_not_ours_is_400_and_never_the_first_page_again(api, cursor, sort):
    publish_model()
    response = api.raw("/api/v1/models", data={"cursor": cursor, "sort": sort})
    assert response.status_code == 400


def test_a_body_that_is_too_large_or_too_deep_is_refused(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    large = api.raw(
        "/api/v1/model-versions/by-hash",
        method="post",
        data=json.dumps(["0" * 64] * 50),
        content_type="application/json",
    )
    assert large.status_code == 413
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
    deep = api.raw(
        "/api/v1/model-versions/by-hash",
        method="post",
        data="[" * 200_000,
        content_type="application/json",
    )
    assert deep.status_code == 400


def test_ten_thousand_hashes_are_allowed_and_one_more_is_not(api):
    assert api.post("model-versions/by-hash/ids", ["0" * 12] * 10_000) == []
    api.post("model-versions/by-hash/ids", ["0" * 12] * 10_001, status=400)


def test_a_database_that_is_away_is_503_with_a_time_to_wait(api, monkeypatch):
    def away(**_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(people, "creators", away)
    response = api.raw("/api/v1/creators")
    assert response.status_code == 503
    assert response["Retry-After"] == "3"
    assert response["Cache-Control"] == "no-store, max-age=0"
    assert isinstance(response.json()["error"], str)


def test_an_error_of_ours_has_the_shape_of_a_500(monkeypatch):
    def broken(**_: object) -> None:
        raise RuntimeError("oops")

    monkeypatch.setattr(people, "creators", broken)
    response = Client().get("/api/v1/creators")
    assert response.status_code == 500
    assert response.json() == {
        "message": "An unexpected error occurred",
        "error": "Internal server error",
    }


def test_webui_browsers_are_told_the_base_models_as_they_ask(api):
    refused = api.raw("/api/v1/models?baseModels=GetModels")
    assert refused.status_code == 400
    error = refused.json()["error"]
    known = api.get("enums")["BaseModel"]
    assert error["issues"][0]["unionErrors"][0]["issues"][0]["options"] == known
    assert json.loads(error["message"])[0]["errors"][0][0]["values"] == known
    assert api.get("models?baseModels=SD+9") == {"items": [], "metadata": {}}


def test_an_order_that_programs_still_offer_is_taken(api):
    assert api.get("models?sort=Most+Buzz") == {"items": [], "metadata": {}}
