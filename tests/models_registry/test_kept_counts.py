"""Counts of the whole list that a task keeps: the same as those counted with the list."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.test import override_settings

from models_registry import facets, kept_counts
from models_registry.catalogue import model_tags
from models_registry.filters import ModelFilters, Scope
from models_registry.models.engagement import EngagementKind, ModelEngagement
from models_registry.models.model import Model
from models_registry.tasks import keep_counts_task
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db
ANYONE = AnonymousUser()
FILTERS = (
    {},
    {"types": ("LORA",)},
    {"base_models": ("SDXL 1.0",)},
    {"base_models": ("SDXL 1.0", "SD 1.5")},
    {"base_models": ("SDXL 1.0",), "verified": True, "subjects": ("style",)},
    {"unseen": True},
)


@pytest.fixture(autouse=True)
def _own_cache():
    place = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "kept"}
    with override_settings(CACHES={"default": place}, TAG_COUNTS_SECONDS=60):
        yield
        cache.clear()


@pytest.fixture
def member():
    """Somebody with a team, models that only they or their team see, one hidden and one seen."""
    person = UserFactory()
    team = make_team(owner=person)
    made = [
        publish_model(
            name=f"Model {number}",
            seed=number,
            base_model="SDXL 1.0" if number % 2 else "SD 1.5",
            tags=["ink"] if number < 3 else ["sketch"],
        ).model
        for number in range(6)
    ]
    changes = [
        {"visibility": "private", "owner": person},
        {"visibility": "team", "team": team},
        {"visibility": "private"},
        {"subject": "style", "is_verified": True},
    ]
    for model, change in zip(made, changes, strict=False):
        Model.objects.filter(pk=model.pk).update(**change)
    for model, kind in zip(made[3:5], (EngagementKind.SEEN, EngagementKind.HIDE), strict=True):
        ModelEngagement.objects.create(user=person, model=model, kind=kind)
    return person


def counted(viewer, **filters):
    return facets.facet_counts(viewer=viewer, filters=ModelFilters(**filters))


def test_kept_counts_are_those_that_counting_gives(member, monkeypatch):
    viewers = (member, UserFactory(), UserFactory(is_superuser=True), ANYONE)
    asked = [
        (viewer, filters)
        for filters in FILTERS
        for viewer in (viewers[:3] if "unseen" in filters else viewers)
    ]
    expected = [counted(viewer, **filters) for viewer, filters in asked]
    monkeypatch.setattr(kept_counts, "KEPT_FROM", 1)
    keep_counts_task()
    assert kept_counts.kept_counts(ANYONE) is not None
    assert [counted(viewer, **filters) for viewer, filters in asked] == expected


@pytest.mark.parametrize(("least", "is_kept"), [(3, True), (4, False)])
def test_only_a_large_hub_keeps_its_counts(member, monkeypatch, least, is_kept):
    monkeypatch.setattr(kept_counts, "KEPT_FROM", least)
    kept_counts.keep_counts()
    assert (kept_counts.kept_counts(ANYONE) is not None) is is_kept


@pytest.mark.parametrize(("most", "is_kept"), [(2, True), (1, False)])
def test_whoever_sees_much_beside_the_others_gets_a_count_of_their_own(
    member, monkeypatch, most, is_kept
):
    monkeypatch.setattr(kept_counts, "KEPT_FROM", 1)
    monkeypatch.setattr(kept_counts, "OWN_MOST", most)
    kept_counts.keep_counts()
    assert (kept_counts.kept_counts(member) is not None) is is_kept


def test_a_list_that_anything_else_narrows_is_not_read_from_what_is_kept(member, monkeypatch):
    monkeypatch.setattr(kept_counts, "KEPT_FROM", 1)
    kept_counts.keep_counts()
    assert counted(member, scope=Scope.MINE).total == 1
    assert counted(ANYONE, tags=("ink",)).total == 0


def test_tags_of_everyone_are_kept_and_ones_own_added(member):
    keep_counts_task()
    tags = [[tag.name for tag in model_tags(viewer=viewer, query="", page=1, limit=9).items]
            for viewer in (ANYONE, member)]  # fmt: skip
    assert tags == [["sketch"], ["sketch", "ink"]]


def test_a_tag_of_what_is_hidden_now_is_not_shown_although_it_was_counted(member):
    keep_counts_task()
    Model.objects.update(visibility="private")
    for viewer in (ANYONE, UserFactory()):
        found = model_tags(viewer=viewer, query="sketch", page=1, limit=9)
        assert (found.items, found.total_items) == ([], 0)
