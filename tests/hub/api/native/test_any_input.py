"""Whatever is sent to v2, the answer is one of its own: never a 500, errors in the house's form."""

import re
from functools import lru_cache
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories.accounts import make_team
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db

TEXTS = st.one_of(
    st.sampled_from(
        ["", "\x00", "-1", "0", "99999999999999999999", "null", "%", "'", "é", "[]", "1e9"]
    ),
    st.text(max_size=12),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


NO_UUID = "0199a000-0000-7000-8000-000000000000"


@lru_cache(maxsize=1)
def operations() -> list[tuple[str, str, list[str], list[str]]]:
    """Method, path, names of the query, names of the body's fields."""
    document: Any = SchemaGenerator().get_schema(request=None, public=True)
    shapes = document["components"]["schemas"]
    found = []
    for path, item in document["paths"].items():
        for method, call in item.items():
            query = [row["name"] for row in call.get("parameters", []) if row["in"] == "query"]
            content = call.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            found.append((method, path, query, list(shapes.get(name, {}).get("properties", {}))))
    return found


@pytest.fixture
def visitor() -> Client:
    """Of somebody with a team and a model."""
    person = make_team().created_by
    publish_model(owner=person)
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_input_is_answered_by_a_500(visitor, data):
    method, path, query, fields = data.draw(st.sampled_from(operations()))
    key = data.draw(st.sampled_from(["1", "2", "9"]))
    path = re.sub(r"\{(artifact_id|import_id|invite_id)\}", NO_UUID, path)
    path = re.sub(r"\{\w+\}", key, path)
    asked = data.draw(st.dictionaries(st.sampled_from([*query, "x"]), TEXTS))
    body = data.draw(st.one_of(VALUES, st.dictionaries(st.sampled_from([*fields, "x"]), VALUES)))
    if method == "get":
        answer = visitor.get(path, asked)
    else:
        answer = getattr(visitor, method)(path, body, content_type="application/json")
    assert answer.status_code < 500, (method, path, asked, body)
    if answer.status_code >= 400:
        told = answer.json()
        assert isinstance(told["error"], str)
        assert isinstance(told["code"], str)
