"""`GET /api/v1/models` and `/models/{id}`: shapes, filters, pages, errors."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hub.core.visibility import Visibility
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.model import Model
from models_registry.services import bookmarks, drafts, publish
from models_registry.services.counters import refresh_facts
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model

pytestmark = pytest.mark.django_db


def names(answer) -> list[str]:
    return [item["name"] for item in answer["items"]]


def test_a_hub_without_models_gives_an_empty_list_without_cursor(api):
    assert api.get("models") == {"items": [], "metadata": {}}


def test_versions_come_newest_first_with_one_primary_file_each(api):
    first = publish_model()
    second = make_version(first.model, name="v2")
    add_clean_file(second, seed=5)
    add_clean_file(second, seed=6, name="other.safetensors", is_primary=False)
    publish.publish_version(actor=first.model.owner, version=second)
    versions = api.get("models")["items"][0]["modelVersions"]
    assert [(version["name"], version["index"]) for version in versions] == [("v2", 0), ("v1", 1)]
    for version in versions:
        assert [file.get("primary") for file in version["files"]].count(True) == 1
        assert version["files"][0]["primary"] is True
    assert "primary" not in versions[0]["files"][1]


def test_primary_file_only_gives_one_file_a_version(api):
    version = publish_model()
    add_clean_file(version, seed=6, name="other.safetensors", is_primary=False)
    [item] = api.get("models", primaryFileOnly="true")["items"]
    assert len(item["modelVersions"][0]["files"]) == 1


def test_size_is_exact_and_hashes_are_upper_case_under_civitais_names(api):
    version = publish_model()
    file = version.files.get()
    [item] = api.get("models")["items"]
    shown = item["modelVersions"][0]["files"][0]
    assert shown["sizeKB"] * 1024 == file.blob.size_bytes
    assert set(shown["hashes"]) == {"SHA256", "AutoV2", "AutoV3", "BLAKE3", "CRC32"}
    assert all(value == value.upper() for value in shown["hashes"].values())
    assert shown["hashes"]["AutoV2"] == shown["hashes"]["SHA256"][:10]
    assert len(shown["hashes"]["AutoV3"]) == 12
    assert shown["metadata"] == {"format": "SafeTensor", "size": None, "fp": "fp16"}


def test_links_lead_back_to_the_host_that_was_asked(api):
    published = publish_model()
    add_clean_file(published, seed=6, name="other.safetensors", is_primary=False)
    answer = api.raw("/api/v1/models", headers={"host": "hub.example:8123"}).json()
    version = answer["items"][0]["modelVersions"][0]
    address = f"http://hub.example:8123/api/download/models/{version['id']}"
    first, second = version["files"]
    assert version["downloadUrl"] == first["downloadUrl"] == address
    assert second["downloadUrl"] == f"{address}?fileId={second['id']}"


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("sort", ["Highest Rated", "Most Downloaded", "Newest", "Oldest"])
def test_a_walk_by_cursor_meets_every_model_exactly_once(api, limit, sort):
    ids = {publish_model(name=f"M{n}", seed=n).model_id for n in range(5)}
    met, cursor = [], None
    for _step in range(20):
        answer = api.get("models", limit=limit, sort=sort, **({"cursor": cursor} if cursor else {}))
        met += [item["id"] for item in answer["items"]]
        cursor = answer["metadata"].get("nextCursor")
        assert ("nextPage" in answer["metadata"]) == (cursor is not None)
        if cursor is None:
            break
    assert sorted(met) == sorted(ids)


def test_a_walk_by_next_page_meets_every_model_exactly_once_and_drops_the_key(api):
    ids = {publish_model(name=f"M{n}", seed=n).model_id for n in range(5)}
    met, address = [], "/api/v1/models?limit=2&token=secret&types=LORA"
    for _step in range(10):
        answer = api.raw(address).json()
        met += [item["id"] for item in answer["items"]]
        address = answer["metadata"].get("nextPage")
        if address is None:
            break
        assert address.startswith("http://testserver/api/v1/models?")
        assert "secret" not in address
        assert "types=LORA" in address
    assert sorted(met) == sorted(ids)


def test_numbered_pages_say_where_they_are_and_continue_by_number(api):
    for number in range(3):
        publish_model(name=f"M{number}", seed=number)
    first = api.get("models", limit=2, page=1)
    assert first["metadata"]["currentPage"] == 1
    assert first["metadata"]["pageSize"] == 2
    assert "page=2" in first["metadata"]["nextPage"]
    second = api.get("models", limit=2, page=2)
    assert second["metadata"] == {"currentPage": 2, "pageSize": 2}
    assert len({*names(first), *names(second)}) == 3


def test_the_cursor_of_a_numbered_page_goes_on_from_there(api):
    for number in range(3):
        publish_model(name=f"M{number}", seed=number)
    first = api.get("models", limit=2, page=1)
    rest = api.get("models", limit=2, cursor=first["metadata"]["nextCursor"])
    assert len({*names(first), *names(rest)}) == 3


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 101}, 400),
        ({"limit": "x"}, 400),
        ({"limit": 100}, 200),
        ({"limit": 0}, 200),
        ({"page": 0}, 400),
        ({"page": 10, "limit": 100}, 200),
        ({"page": 11, "limit": 100}, 429),
        ({"page": 1, "query": "ink"}, 400),
        ({"cursor": "nonsense"}, 400),
        ({"cursor": "WzFd"}, 400),
        ({"sort": "Loudest"}, 400),
        ({"period": "Eon"}, 400),
        ({"ids": "1,x"}, 400),
        ({"favorites": "false"}, 401),
        ({"hidden": "false"}, 401),
        ({"unknownParameter": "1"}, 200),
    ],
)
def test_limits_and_errors_are_those_of_the_contract(api, query, status):
    answer = api.get("models", status=status, **query)
    if status != 200:
        assert "error" in answer


def test_a_refused_parameter_is_answered_by_a_validator_object(api):
    answer = api.get("models", limit=101, status=400)
    assert list(answer["error"]["fieldErrors"]) == ["limit"]


def test_types_and_base_models_may_be_repeated_or_joined(api):
    publish_model(name="A", type="LORA", seed=1)
    publish_model(name="B", type="Checkpoint", seed=2, base_model="SDXL 1.0")
    publish_model(name="C", type="VAE", seed=3)
    assert sorted(names(api.get("models", types=["LORA", "VAE"]))) == ["A", "C"]
    assert sorted(names(api.get("models", types="LORA,Checkpoint"))) == ["A", "B"]
    assert names(api.get("models", baseModels="SDXL 1.0")) == ["B"]
    assert names(api.get("models", baseModel="SDXL 1.0")) == ["B"]
    assert names(api.get("models", types="lora")) == ["A"]
    assert names(api.get("models", types="LLM")) == []


def test_other_filters_narrow_the_list(api):
    mika = UserFactory(username="mika")
    kept = publish_model(name="Kept", owner=mika, seed=1, tags=["style"]).model
    publish_model(name="Other", seed=2)
    assert names(api.get("models", username="MIKA")) == ["Kept"]
    assert names(api.get("models", tag="Style")) == ["Kept"]
    assert names(api.get("models", ids=f"{kept.pk}")) == ["Kept"]
    assert names(api.get("models", query="kep")) == ["Kept"]
    Model.objects.filter(pk=kept.pk).update(
        last_version_at=timezone.now() - timedelta(days=10), allow_derivatives=False
    )
    assert names(api.get("models", period="Week")) == ["Other"]
    assert names(api.get("models", allowDerivatives="false")) == ["Kept"]


def test_query_finds_trigger_words_creators_and_hashes(api):
    version = publish_model(owner=UserFactory(username="linmo"), trigger_words=["yuki_ns"])
    sha256 = version.files.get().blob.sha256
    for text in ("yuki", "YUKI_NS", "linmo", sha256, sha256[:10].upper(), "ink wahs"):
        assert names(api.get("models", query=text)) == ["Ink Wash"], text
    assert names(api.get("models", query="sculpture")) == []


def test_a_search_gives_the_best_match_first_unless_an_order_is_named(api):
    publish_model(name="DreamShaper", seed=1)
    for seed in (2, 3):
        merge = publish_model(name=f"Mix {seed}", seed=seed, trigger_words=["dreamshaper"]).model
        Model.objects.filter(pk=merge.pk).update(thumbs_up_count=seed)
    assert names(api.get("models", query="dreamshaper")) == ["DreamShaper", "Mix 3", "Mix 2"]
    rated = ["Mix 3", "Mix 2", "DreamShaper"]
    assert names(api.get("models", query="dreamshaper", sort="Highest Rated")) == rated
    assert names(api.get("models")) == names(api.get("models", query=" ")) == rated
    first = api.get("models", query="dreamshaper", limit=1)
    following = api.get("models", query="dreamshaper", cursor=first["metadata"]["nextCursor"])
    assert names(first) + names(following) == ["DreamShaper", "Mix 3", "Mix 2"]


def test_without_nsfw_only_pg_models_are_listed_but_all_open_by_id(api):
    publish_model(name="Calm", seed=1)
    bold = publish_model(name="Bold", seed=2, nsfw_level=8)
    assert names(api.get("models")) == ["Calm"]
    assert names(api.get("models", nsfw="false")) == ["Calm"]
    assert sorted(names(api.get("models", nsfw="true"))) == ["Bold", "Calm"]
    assert names(api.get("models", nsfw="Mature")) == ["Calm"]
    assert sorted(names(api.get("models", nsfw="X"))) == ["Bold", "Calm"]
    api.get("models", nsfw="perhaps", status=400)
    assert api.get(f"models/{bold.model_id}")["nsfw"] is True


def test_a_key_shows_what_its_owner_sees_and_a_bad_key_counts_as_nobody(api, api_of):
    team = make_team()
    member = team.created_by
    version = publish_model(owner=member, team=team, visibility=Visibility.TEAM)
    assert names(api.get("models")) == []
    assert names(api_of(member).get("models")) == ["Ink Wash"]
    assert names(api_of(UserFactory()).get("models")) == []
    assert names(api_of(member, ("jobs:write",)).get("models")) == []
    api.get(f"models/{version.model_id}", status=404)
    api_of(member).get(f"models/{version.model_id}")
    for header in ("Bearer nonsense", "Bearer ", "Bearer None"):
        response = api.raw("/api/v1/models", headers={"Authorization": header})
        assert response.status_code == 200


def test_favorites_are_those_of_the_key(api_of):
    reader = UserFactory()
    version = publish_model(name="Kept", seed=1)
    publish_model(name="Other", seed=2)
    bookmarks.save_model(actor=reader, model=version.model)
    assert names(api_of(reader).get("models", favorites="true")) == ["Kept"]


def test_drafts_and_files_that_are_not_cleared_never_show(api):
    make_model(name="Draft")
    version = publish_model()
    extra = add_clean_file(version, seed=9, name="later.safetensors", is_primary=False)
    ModelFile.objects.filter(pk=extra.pk).update(scan_status=ScanStatus.DANGER)
    [item] = api.get("models")["items"]
    assert [file["name"] for file in item["modelVersions"][0]["files"]] == ["ink-wash.safetensors"]
    ModelFile.objects.filter(version=version).update(scan_status=ScanStatus.PENDING)
    refresh_facts(model_id=version.model_id)
    assert api.get("models")["items"] == []
    assert api.get(f"models/{version.model_id}")["modelVersions"] == []


def test_an_archived_model_keeps_its_card_and_loses_files_and_link(api):
    version = publish_model()
    publish.archive_model(actor=version.model.owner, model=version.model)
    answer = api.get(f"models/{version.model_id}")
    assert answer["mode"] == "Archived"
    assert answer["modelVersions"][0]["files"] == []
    assert "downloadUrl" not in answer["modelVersions"][0]


@pytest.mark.parametrize(
    ("model_id", "status"), [("0", 400), ("x", 400), ("2147483648", 400), ("2147483647", 404)]
)
def test_ids_outside_the_range_are_400_and_missing_ones_404(api, model_id, status):
    assert isinstance(api.get(f"models/{model_id}", status=status)["error"], str)


def test_descriptions_are_harmless_html(api):
    publish_model(description="**Bold** <script>alert(1)</script> [x](javascript:alert(1))")
    [item] = api.get("models")["items"]
    assert "<strong>Bold</strong>" in item["description"]
    assert "<script" not in item["description"]
    assert 'href="javascript' not in item["description"]


def test_public_answers_may_be_cached_and_read_from_anywhere_keyed_ones_may_not(api, api_of):
    open_answer = api.raw("/api/v1/models")
    assert open_answer["Cache-Control"] == "public, s-maxage=300, stale-while-revalidate=150"
    assert open_answer["Access-Control-Allow-Origin"] == "*"
    keyed = api_of(UserFactory()).raw("/api/v1/models")
    assert keyed["Cache-Control"] == "private, no-store"
    assert api.raw("/api/v1/models", method="options").content == b""
    refused = api.raw("/api/v1/models", method="post")
    assert (refused.status_code, refused.json()) == (405, {"error": "Method not allowed"})


def test_twice_the_models_cost_the_same_number_of_queries(api, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get("models")
        return len(captured)

    for number in range(2):
        publish_model(name=f"A{number}", seed=number, tags=["a", "b"])
    before = count()
    for number in range(4):
        version = publish_model(name=f"B{number}", seed=10 + number, tags=["c", "d"])
        drafts.set_trigger_words(
            actor=version.model.owner, version=version, words=["one", "two", "three"]
        )
    assert count() == before
    assert before <= 12
