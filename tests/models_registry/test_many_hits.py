"""Lists, counts and searches of a hub where more models match than are counted one by one."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from models_registry import facets, searching
from models_registry.catalogue import model_tags
from models_registry.filters import ModelFilters, Sort, filtered, search_hits
from models_registry.models.model import Model
from models_registry.queries import model_list
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db
ANYONE = AnonymousUser()


@pytest.fixture
def dragons() -> list[Model]:
    """Six models of one word, each downloaded more often than the one before."""
    models = []
    for number in range(6):
        base = "SDXL 1.0" if number % 2 else "SD 1.5"
        model = publish_model(name=f"Dragon {number}", seed=number, base_model=base).model
        Model.objects.filter(pk=model.pk).update(download_count=number)
        models.append(model)
    return models


def names(sort: Sort | None = None, **filters) -> list[str]:
    page = model_list(viewer=ANYONE, filters=ModelFilters(**filters), sort=sort, limit=50)
    return sorted(model.name for model in page.items)


def test_up_to_the_limit_a_search_is_complete_and_its_counts_are_exact(dragons, monkeypatch):
    monkeypatch.setattr(searching, "MOST_HITS", 6)
    found = facets.facet_counts(viewer=ANYONE, filters=ModelFilters(query="dragon"))
    assert (found.total, found.is_least, found.is_total_least) == (6, False, False)
    assert len(names(query="dragon")) == 6


def test_above_the_limit_the_best_known_are_ranked_and_counts_are_lower_bounds(
    dragons, monkeypatch
):
    monkeypatch.setattr(searching, "MOST_HITS", 3)
    found = facets.facet_counts(viewer=ANYONE, filters=ModelFilters(query="dragon"))
    assert (found.total, found.is_least, found.is_total_least) == (3, True, True)
    assert names(query="dragon") == ["Dragon 3", "Dragon 4", "Dragon 5"]


@pytest.mark.parametrize("everywhere", [6, 7])
def test_in_the_order_of_a_column_even_a_common_word_lists_every_model(
    dragons, monkeypatch, everywhere
):
    monkeypatch.setattr(searching, "MOST_HITS", 3)
    monkeypatch.setattr(searching, "EVERYWHERE", everywhere)
    assert len(names(query="dragon", sort=Sort.NEWEST)) == 6


def test_a_common_word_is_complete_again_among_the_models_of_a_filter(dragons, monkeypatch):
    monkeypatch.setattr(searching, "MOST_HITS", 3)
    filters = ModelFilters(query="dragon", base_models=("SDXL 1.0",))
    hits = search_hits(ANYONE, filters)
    assert hits is not None
    assert hits.is_complete
    assert names(query="dragon", base_models=("SDXL 1.0",)) == ["Dragon 1", "Dragon 3", "Dragon 5"]


def test_signs_alone_are_looked_for_in_the_best_known_names(dragons, monkeypatch):
    Model.objects.filter(name__in=["Dragon 0", "Dragon 5"]).update(name=Concat("name", Value(" ★")))
    assert names(query="★") == ["Dragon 0 ★", "Dragon 5 ★"]
    monkeypatch.setattr(searching, "BEST_KNOWN", 5)
    assert names(query="★") == names(query="★", sort=Sort.NEWEST) == ["Dragon 5 ★"]
    monkeypatch.setattr(searching, "MOST_HITS", 0)
    assert names(query="★", sort=Sort.NEWEST) == ["Dragon 5 ★"]


def test_a_slip_of_the_hand_is_forgiven_only_where_few_have_the_words(dragons, monkeypatch):
    publish_model(name="Dragan hills", seed=9)
    assert names(query="dragan hilz") == ["Dragan hills"]
    monkeypatch.setattr(searching, "ENOUGH_HITS", 0)
    assert names(query="dragan hilz") == []


@pytest.mark.parametrize("looked_at", [1, 3])
@pytest.mark.parametrize("most", [1, 2, 3, 6])
@pytest.mark.parametrize("query", ["dragon", "dragan", "🙂"])
def test_hits_that_fit_are_those_of_a_search_among_what_fits(
    dragons, monkeypatch, most, looked_at, query
):
    for name in ("MOST_HITS", "MOST_NEAR"):
        monkeypatch.setattr(searching, name, most)
    monkeypatch.setattr(searching, "LOOKED_AT", looked_at)
    filters = ModelFilters(query=query, base_models=("SDXL 1.0",))
    found = facets.find(ANYONE, filters)
    assert found.hits == search_hits(ANYONE, filters)
    wide = search_hits(ANYONE, ModelFilters(query=query))
    assert found.wide is not None
    assert len(found.wide.ids) == len(wide.ids)
    assert (found.wide.is_complete, found.wide.is_forgiving) == (
        wide.is_complete,
        wide.is_forgiving,
    )


def test_what_only_some_may_see_is_in_no_count_of_a_cut_search(dragons, monkeypatch):
    monkeypatch.setattr(searching, "MOST_HITS", 3)
    Model.objects.exclude(name="Dragon 2").update(visibility="private")
    found = facets.facet_counts(viewer=ANYONE, filters=ModelFilters(query="dragon"))
    assert (found.total, found.is_total_least) == (1, False)
    assert names(query="dragon") == ["Dragon 2"]


@pytest.mark.parametrize(("limit", "ceiling", "counts"), [(6, 1, (3, 3)), (5, 2, (2, 2))])
def test_base_models_are_counted_exactly_or_up_to_the_ceiling(
    dragons, monkeypatch, limit, ceiling, counts
):
    monkeypatch.setattr(facets, "EXACT_MODELS", limit)
    monkeypatch.setattr(facets, "BASE_CEILING", ceiling)
    found = facets.facet_counts(viewer=ANYONE)
    assert tuple(choice.count for choice in found.base_models) == counts
    assert {choice.is_least for choice in found.base_models} == {limit == 5}
    assert found.total == 6


def test_counts_for_a_kind_of_file_stop_at_the_limit(dragons, monkeypatch):
    monkeypatch.setattr(searching, "MOST_HITS", 4)
    found = facets.facet_counts(viewer=ANYONE, filters=ModelFilters(formats=("SafeTensor",)))
    assert (found.total, found.is_total_least) == (4, True)
    assert filtered(ANYONE, ModelFilters(formats=("SafeTensor",))).count() == 6


@pytest.mark.parametrize(("seconds", "queries"), [(60, 1), (0, 2)])
def test_guests_get_the_order_of_tags_from_the_cache_as_long_as_the_setting_says(seconds, queries):
    publish_model(name="A", seed=1, tags=["ink"])
    with override_settings(
        TAG_COUNTS_SECONDS=seconds,
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    ):
        model_tags(viewer=ANYONE, query="", page=1, limit=5)
        with CaptureQueriesContext(connection) as captured:
            found = model_tags(viewer=ANYONE, query="", page=1, limit=5)
    assert [tag.name for tag in found.items] == ["ink"]
    assert len(captured) == queries
