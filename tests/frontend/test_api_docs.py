"""The page of our own API says what the schema says, and nothing else."""

import re

import pytest
from django.utils.translation import override

from frontend.contexts.api_docs import api_docs, sentences

pytestmark = pytest.mark.django_db


def test_the_page_names_every_operation_and_every_shape_of_the_schema(client):
    document = client.get("/api/v2/schema/", headers={"Accept": "application/json"}).json()
    page = client.get("/api/v2/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    for path, item in document["paths"].items():
        for call in item.values():
            assert f'id="{call["operationId"]}"' in text, path
    for name in document["components"]["schemas"]:
        assert f'id="shape-{name}"' in text


def test_each_link_of_the_page_leads_to_a_place_on_it(client):
    text = client.get("/api/v2/docs/").content.decode()
    places = set(re.findall(r' id="([^"]+)"', text))
    assert {link for link in re.findall(r'href="#([^"]+)"', text) if link} <= places


def test_an_operation_tells_its_parameters_body_and_answers():
    calls = {call.anchor: call for section in api_docs().sections for call in section.operations}
    listing, making = calls["models_list"], calls["models_create"]
    assert listing.is_open
    limit = next(field for field in listing.parameters if field.name == "limit")
    assert (limit.kind, limit.place, limit.is_required) == ("integer 1…100", "query", False)
    assert making.body is not None
    assert making.body.anchor == "shape-NewModelForm"
    assert {answer.status for answer in making.answers} >= {"201", "400"}
    types = next(field for field in listing.parameters if field.name == "type")
    assert "LORA" in types.choices


def test_the_page_speaks_chinese_and_needs_no_script(client):
    page = client.get("/api/v2/docs/", headers={"Accept-Language": "zh-hans"})
    text = page.content.decode()
    assert "开放" in text
    assert "列出模型，与页面一致" in text
    assert "List models, as the pages do" not in text
    assert "api/v2/models/" in text
    assert client.get("/api/v2/nothing/").json()["code"] == "not_found"


def test_what_is_kept_of_the_schema_does_not_depend_on_the_first_readers_language():
    api_docs.cache_clear()
    with override("zh-hans"):
        found = set(sentences(api_docs()))
    assert "List models, as the pages do; drafts only with scope=mine or scope=team." in found
    assert not [words for words in found if re.search("[\u4e00-\u9fff]", words)]
