"""Unlisted: reachable by address; in no list, search, feed, count or look-up by hash."""

import pytest
from django.contrib.auth.models import AnonymousUser

from hub.accounts.models import Role
from hub.accounts.services import add_member
from hub.core.errors import NotFound
from models_registry import catalogue, queries
from models_registry.facets import facet_counts
from models_registry.filters import ModelFilters, Scope, Sort
from models_registry.hash_lookup import match_hash
from models_registry.services import bookmarks, engagement
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import make_model, make_version, publish_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    team = make_team()
    member = UserFactory()
    add_member(actor=team.created_by, team=team, user=member, role=Role.MEMBER)
    version = publish_model(
        owner=team.created_by, team=team, visibility="unlisted", type="Checkpoint", tags=["ink"]
    )
    return {
        "version": version,
        "anonymous": AnonymousUser(),
        "stranger": UserFactory(),
        "member": member,
        "owner": team.created_by,
    }


PEOPLE = ("anonymous", "stranger", "member", "owner")


@pytest.mark.parametrize("name", PEOPLE)
def test_everyone_reaches_it_by_its_address(cast, name):
    viewer, version = cast[name], cast["version"]
    file = version.files.get()

    assert queries.model_detail(viewer=viewer, slug=version.model.slug).versions == (version,)
    assert queries.version_detail(viewer=viewer, version_id=version.pk) == version
    assert queries.file_of(viewer=viewer, file_id=file.pk) == file
    assert catalogue.catalogue_model(viewer=viewer, model_id=version.model_id) == version.model
    assert catalogue.catalogue_version(viewer=viewer, version_id=version.pk) == version


@pytest.mark.parametrize("name", PEOPLE)
def test_nobody_meets_it_in_a_public_list_search_feed_or_count(cast, name):
    viewer, version = cast[name], cast["version"]
    if name == "stranger":
        engagement.follow_person(actor=viewer, username=version.model.owner.username, is_on=True)
        with pytest.raises(NotFound):  # no model that one may know of has it
            engagement.follow_tag(actor=viewer, name="ink", is_on=True)
    for filters in (
        ModelFilters(),
        ModelFilters(query="ink wash"),
        ModelFilters(query=version.files.get().blob.sha256[:12]),
        ModelFilters(tags=["ink"]),
        ModelFilters(ids=[version.model_id]),
        ModelFilters(published_only=True),
        ModelFilters(scope=Scope.FOLLOWING),
    ):
        assert queries.model_list(viewer=viewer, filters=filters).items == ()
        assert facet_counts(viewer=viewer, filters=filters).total == 0
        page = catalogue.catalogue_page(viewer=viewer, filters=filters, sort=Sort.NEWEST)
        assert page.items == ()
    assert catalogue.creators(viewer=viewer, query="", page=1, limit=10).total_items == 0
    assert catalogue.model_tags(viewer=viewer, query="", page=1, limit=10).total_items == 0


@pytest.mark.parametrize("name", ["anonymous", "stranger"])
def test_others_do_not_learn_of_it_by_hash_or_among_the_bases_to_train_on(cast, name):
    viewer, version = cast[name], cast["version"]

    assert match_hash(viewer=viewer, text=version.files.get().blob.sha256).versions == ()
    assert list(queries.base_versions(viewer=viewer)) == []


@pytest.mark.parametrize("name", ["member", "owner"])
def test_its_own_people_find_it_in_their_lists_and_by_hash(cast, name):
    viewer, version = cast[name], cast["version"]
    listed = queries.model_list(viewer=viewer, filters=ModelFilters(scope=Scope.TEAM)).items

    assert listed == (version.model,)
    assert match_hash(viewer=viewer, text=version.files.get().blob.sha256).versions == (version,)
    assert list(queries.base_versions(viewer=viewer)) == [version]


def test_who_has_the_address_may_keep_it(cast):
    stranger, version = cast["stranger"], cast["version"]
    bookmarks.save_model(actor=stranger, model=version.model)
    saved = queries.model_list(viewer=stranger, filters=ModelFilters(scope=Scope.SAVED))

    assert saved.items == (version.model,)


def test_an_unlisted_draft_is_not_reached_by_others():
    from hub.core.errors import NotFound

    draft = make_version(make_model(visibility="unlisted"))
    for viewer in (AnonymousUser(), UserFactory()):
        with pytest.raises(NotFound):
            queries.model_detail(viewer=viewer, slug=draft.model.slug)


def test_a_draft_version_of_an_unlisted_model_is_not_reached_by_others(cast):
    draft = make_version(cast["version"].model, name="v2")
    for name in PEOPLE:
        detail = queries.model_detail(viewer=cast[name], slug=draft.model.slug)
        assert (draft in detail.versions) == (name in {"member", "owner"}), name
