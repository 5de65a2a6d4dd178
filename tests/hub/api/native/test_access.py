"""Who may call v2, what refusals look like, and the schema."""

import pytest
from django.db import OperationalError
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from hub.accounts.models import Scope
from hub.api.errors import exception_handler
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db


def test_me_names_the_person_and_the_scopes_of_the_key(api_of):
    person = UserFactory(username="mika")
    answer = api_of(person, [Scope.MODELS_READ]).get("me/")
    assert (answer["username"], answer["scopes"]) == ("mika", ["models:read"])


def test_a_browser_session_has_no_scopes_since_it_may_do_everything():
    client = Client()
    client.force_login(UserFactory())
    assert client.get("/api/v2/me/").json()["scopes"] is None


def test_without_a_key_only_models_can_be_read(api):
    publish_model(name="Ink Wash")
    assert [item["name"] for item in api.get("models/")["items"]] == ["Ink Wash"]
    for path in ("me/", "teams/", "datasets/", "jobs/", "presets/"):
        assert api.get(path, status=401)["code"] == "not_authenticated"
    assert api.post("models/", {"name": "x", "type": "LORA"}, status=401)


def test_a_key_without_the_scope_is_refused_with_the_scope_by_name(api_of):
    reader = api_of(UserFactory(), [Scope.MODELS_READ])
    refused = reader.post("models/", {"name": "x", "type": "LORA"}, status=403)
    assert refused["code"] == "scope_missing"
    assert "models:write" in refused["error"]
    assert reader.get("datasets/", status=403)["code"] == "scope_missing"
    writer = api_of(UserFactory(), [Scope.JOBS_WRITE])
    assert "models:read" in writer.get("models/", status=403)["error"]
    assert reader.get("jobs/", status=403)["code"] == "scope_missing"


def test_a_session_that_writes_must_carry_the_csrf_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory())
    body = {"name": "x", "type": "LORA"}
    answer = client.post("/api/v2/models/", body, content_type="application/json")
    assert answer.status_code == 403
    assert set(answer.json()) == {"error", "code"}


def test_teams_are_only_ones_own(api_of):
    person = UserFactory()
    make_team(owner=person, name="Night studio")
    make_team(name="Others")
    assert [team["slug"] for team in api_of(person).get("teams/")["items"]] == ["night-studio"]


def test_an_address_that_does_not_exist_is_answered_in_json(api):
    assert api.get("nothing/here/", status=404)["code"] == "not_found"
    assert api.post("nothing/here/", status=404)["code"] == "not_found"


def test_a_body_of_the_wrong_shape_names_each_field(api_of):
    answer = api_of(UserFactory()).post("models/", {"type": "Sandwich"}, status=400)
    assert answer["code"] == "invalid"
    assert set(answer["fields"]) == {"name", "type"}
    assert "name: This field is required." in answer["error"]


def test_a_nested_mistake_is_named_by_its_path(api_of):
    person = UserFactory()
    version = publish_model(owner=person)
    body = {"trigger_word_sets": [{"words": ["a"]}, {"name": "second"}]}
    answer = api_of(person).patch(f"versions/{version.pk}/", body, status=400)
    assert set(answer["fields"]) == {"trigger_word_sets.1.words"}


def test_the_schema_is_valid_and_names_every_operation_once(api):
    GENERATOR_STATS.reset()
    schema = Client().get("/api/v2/schema/", {"format": "json"}, HTTP_ACCEPT="application/json")
    assert schema.status_code == 200
    assert not GENERATOR_STATS, "a shape has no name of its own"
    document = schema.json()
    validate_schema(document)
    operations = [
        operation["operationId"]
        for path, methods in document["paths"].items()
        if path.startswith("/api/v2/")
        for operation in methods.values()
    ]
    assert len(operations) == len(set(operations))
    wanted = {"models_list", "files_by_hash", "jobs_submit", "jobs_events", "imports_start"}
    assert wanted <= set(operations)


def test_the_schema_says_of_each_operation_how_it_refuses():
    schema = Client().get("/api/v2/schema/", {"format": "json"}, HTTP_ACCEPT="application/json")
    refusal = {"$ref": "#/components/schemas/Error"}
    calls = [call for methods in schema.json()["paths"].values() for call in methods.values()]
    for call in calls:
        said = call["responses"]["default"]["content"]["application/json"]
        assert said["schema"] == refusal, call["operationId"]


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000])
def test_a_body_that_is_nested_too_deep_is_refused(body):
    client = Client()
    client.force_login(UserFactory())
    answer = client.post("/api/v2/models/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_an_address_without_its_slash_leads_to_the_one_with_it_and_what_was_sent_goes_along():
    found = Client(enforce_csrf_checks=True).post("/api/v2/models?a=%C3%A9", {"name": "Ink"})
    assert (found.status_code, found["Location"]) == (308, "/api/v2/models/?a=%C3%A9")


@pytest.mark.parametrize(
    "path", ["v2/a%0Ab/", "v2/docs%0A/", "v2/docs/%0A", "nothing", "v2/datasets/%00/"]
)
def test_an_address_that_leads_nowhere_is_refused_in_json(path):
    answer = Client().get(f"/api/{path}", follow=True)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_too_many_parameters_are_refused_in_json():
    answer = Client().get("/api/v2/models/?" + "a=1&" * 1001)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_program_is_told_to_come_back_while_the_database_is_away():
    answer = exception_handler(OperationalError("connection refused"), {})
    assert (answer.status_code, answer.data["code"]) == (503, "database_away")
    assert answer.headers["Retry-After"] == "3"
