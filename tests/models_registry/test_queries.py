"""Lists, facets, search, paging: each model once, and no query for each row."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.core.errors import Invalid
from models_registry import facets as facets_of
from models_registry import queries
from models_registry.filters import ModelFilters, Scope, Sort
from models_registry.models.model import Model
from models_registry.services import bookmarks, drafts, recommendations, reviews
from models_registry.services.values import Example, Provenance
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import (
    add_clean_file,
    make_model,
    make_version,
    publish_model,
)
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db

ANYONE = AnonymousUser()


def names(page) -> list[str]:
    return [model.name for model in page.items]


def listed(viewer=ANYONE, **filters) -> list[str]:
    return sorted(names(queries.model_list(viewer=viewer, filters=ModelFilters(**filters))))


def queries_of(action) -> int:
    with CaptureQueriesContext(connection) as captured:
        action()
    return len(captured)


def rich_model(number: int) -> None:
    version = publish_model(name=f"Rich {number}", seed=number, tags=["a", "b"])
    owner = version.model.owner
    add_clean_file(version, seed=100 + number, name="b.safetensors", is_primary=False)
    drafts.add_cover(actor=owner, version=version, blob=picture_blob())
    recommendations.add_example_prompt(
        actor=owner, version=version, example=Example(prompt="a cat")
    )
    drafts.set_trigger_words(actor=owner, version=version, words=["one", "two"])


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("limit", [1, 3])
def test_a_walk_meets_every_model_exactly_once(sort, limit):
    for number in range(5):
        version = publish_model(name=f"M{number}", seed=number)
        Model.objects.filter(pk=version.model_id).update(
            download_count=number % 2, thumbs_up_count=number % 3
        )
    met, cursor = [], None
    for _step in range(10):
        page = queries.model_list(viewer=ANYONE, sort=sort, cursor=cursor, limit=limit)
        met += names(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(met) == [f"M{number}" for number in range(5)]


def test_a_walk_through_search_results_by_relevance_meets_each_once():
    for number in range(5):
        publish_model(name=f"Ink {number} " + "ink " * number, seed=number)
    met, cursor = [], None
    for _step in range(10):
        page = queries.model_list(
            viewer=ANYONE, filters=ModelFilters(query="ink"), cursor=cursor, limit=2
        )
        met += names(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(met) == len(set(met)) == 5


def test_a_cursor_of_another_order_is_refused():
    for number in range(2):
        publish_model(name=f"M{number}", seed=number)
    page = queries.model_list(viewer=ANYONE, sort=Sort.RATING, limit=1)
    with pytest.raises(Invalid):
        queries.model_list(viewer=ANYONE, sort=Sort.NEWEST, cursor=page.next_cursor)


def test_twice_the_rows_cost_the_same_number_of_queries():
    def page():
        for model in queries.model_list(viewer=ANYONE).items:
            assert model.owner.username
            assert model.latest_version.base_model.name
            assert model.latest_version.first_cover.blob.sha256
            assert model.latest_version.trained_words

    for number in range(2):
        rich_model(number)
    before = queries_of(page)
    for number in range(2, 4):
        rich_model(number)
    assert queries_of(page) == before


def test_a_model_page_with_twice_the_versions_costs_the_same_number_of_queries():
    rich_model(0)
    model = Model.objects.get()

    def page():
        detail = queries.model_detail(viewer=ANYONE, slug=model.slug)
        for version in detail.versions:
            assert version.base_model.name
            for file in version.files.all():
                assert file.blob.size_bytes
                assert file.version.model.name
                assert [row.value for row in file.hashes.all()]
            assert version.trained_words
            assert all(row.prompt for row in version.example_prompts.all())
            assert all(cover.blob.sha256 for cover in version.covers.all())
        assert detail.model.tag_names == ["a", "b"]

    before = queries_of(page)
    for seed in (50, 51):
        version = make_version(model, name=f"s{seed}")
        add_clean_file(version, seed=seed)
        from models_registry.services import publish

        publish.publish_version(actor=model.owner, version=version)
    assert queries_of(page) == before


def test_filters_and_scopes():
    team = make_team()
    mika = team.created_by
    publish_model(name="A", seed=1, type="LORA", subject="style", owner=mika, team=team)
    publish_model(name="B", seed=2, type="Checkpoint", base_model="SDXL 1.0")
    saved = publish_model(name="C", seed=3, type="VAE", tags=["Ink"]).model
    make_model(name="D", owner=mika)
    bookmarks.save_model(actor=mika, model=saved)
    assert listed() == ["A", "B", "C"]
    assert listed(types=["LORA", "VAE"]) == ["A", "C"]
    assert listed(base_models=["SDXL 1.0"]) == ["B"]
    assert listed(subjects=["style"]) == ["A"]
    assert listed(tags=["ink"]) == ["C"]
    assert listed(formats=["PickleTensor"]) == []
    assert listed(viewer=mika, scope=Scope.MINE) == ["A", "D"]
    assert listed(viewer=mika, scope=Scope.TEAM) == ["A"]
    assert listed(viewer=mika, scope=Scope.SAVED) == ["C"]
    for scope in (Scope.MINE, Scope.TEAM, Scope.SAVED):
        assert listed(scope=scope) == []


def test_verified_and_trained_here():
    from uuid import uuid4

    model = make_model(name="Trained")
    version = drafts.create_version(
        actor=model.owner, model=model, provenance=Provenance(job_uuid=uuid4())
    )
    add_clean_file(version)
    from models_registry.services import publish

    publish.publish_version(actor=model.owner, version=version)
    other = publish_model(name="Uploaded", seed=2).model
    Model.objects.filter(pk=other.pk).update(is_verified=False)
    assert listed(trained_here=True) == ["Trained"]
    assert listed(verified=True) == ["Trained"]
    facets = facets_of.facet_counts(viewer=ANYONE)
    assert (facets.verified, facets.trained_here, facets.total) == (1, 1, 2)


def test_counts_beside_a_filter_keep_the_other_filters():
    publish_model(name="A", seed=1, type="LORA", subject="style")
    publish_model(name="B", seed=2, type="LORA", base_model="SDXL 1.0")
    publish_model(name="C", seed=3, type="VAE", base_model="SDXL 1.0")
    facets = facets_of.facet_counts(viewer=ANYONE, filters=ModelFilters(types=["LORA"]))
    assert {choice.value: choice.count for choice in facets.types} == {"LORA": 2, "VAE": 1}
    assert {choice.value: choice.count for choice in facets.base_models} == {
        "SD 1.5": 1,
        "SDXL 1.0": 1,
    }
    assert {choice.value: choice.count for choice in facets.subjects} == {"style": 1}
    assert facets.total == 2


@pytest.mark.parametrize(
    "text",
    [
        "watercolour",
        "WaterCol",
        "waterclour",
        "hills flat",
        "flat_hills",
        "linmo",
        "landscape",
        "painted",
    ],
)
def test_search_finds_names_words_tags_authors_and_forgives_a_typo(text):
    publish_model(
        name="Watercolour hills",
        owner=UserFactory(username="linmo"),
        trigger_words=["flat_hills"],
        tags=["landscape"],
        description="Soft paintings of mountains.",
    )
    publish_model(name="Midnight windows", seed=2, trigger_words=["midnight_win"])
    assert listed(query=text) == ["Watercolour hills"]


@pytest.mark.parametrize("text", ["水墨", "墨画", "山水", "雪", "水", "格", "材", "ＬＯＲＡ"])
def test_chinese_names_and_descriptions_are_found_by_any_two_neighbouring_characters(text):
    publish_model(name="水墨画风格", description="适合山水题材", trigger_words=["雪", "lora"])
    publish_model(name="霓虹城市", seed=2)
    assert listed(query=text) == ["水墨画风格"]


@pytest.mark.parametrize("text", ["'", "& | !", "a:*", "\\", "%", "x" * 5000, "\x00", "(", "🙂"])
def test_no_text_typed_into_search_is_an_error(text):
    publish_model()
    queries.model_list(viewer=ANYONE, filters=ModelFilters(query=text))


def test_relevance_puts_a_hit_in_the_name_before_one_in_the_description():
    publish_model(name="Other", seed=1, description="lantern")
    publish_model(name="Lantern", seed=2)
    page = queries.model_list(viewer=ANYONE, filters=ModelFilters(query="lantern"))
    assert names(page) == ["Lantern", "Other"]


def test_a_base_to_train_on_is_a_cleared_published_checkpoint():
    base = publish_model(name="Base", type="Checkpoint", base_model="Atelier Tiny", seed=1)
    publish_model(name="LoRA", seed=2)
    draft = make_version(make_model(name="Draft", type="Checkpoint"))
    drafts.add_cover(actor=draft.model.owner, version=draft, blob=picture_blob())
    assert list(queries.base_versions(viewer=ANYONE)) == [base]
    assert list(queries.base_versions(viewer=ANYONE, families=["tiny"])) == [base]
    assert list(queries.base_versions(viewer=ANYONE, families=["sdxl"])) == []


def test_reviews_are_listed_newest_first():
    version = publish_model()
    for number in range(3):
        reviews.write_review(actor=UserFactory(), version=version, rating=3 + number % 3)
    page = queries.reviews_of(viewer=ANYONE, model=version.model, limit=2)
    assert len(page.items) == 2
    rest = queries.reviews_of(viewer=ANYONE, model=version.model, cursor=page.next_cursor, limit=2)
    assert len({*page.items, *rest.items}) == 3
