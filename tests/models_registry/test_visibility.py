"""Who sees what: one rule, asked everywhere."""

import pytest
from django.contrib.auth.models import AnonymousUser

from hub.accounts.models import Role
from hub.accounts.services import add_member
from hub.core.errors import NotFound
from hub.core.visibility import Visibility
from models_registry import facets as facets_of
from models_registry import queries
from models_registry.filters import ModelFilters, Scope
from models_registry.lineage import lineage_of
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.model import Model, Status
from models_registry.models.version import ModelVersion
from models_registry.permissions import (
    can_add_version,
    can_edit_model,
    can_edit_version,
    can_review,
)
from models_registry.services.publish import publish_version, unpublish_version
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    """Everybody who may come along, for a team's model."""
    team = make_team()
    owner, member, manager = UserFactory(), UserFactory(), UserFactory()
    for person, role in ((owner, Role.MEMBER), (member, Role.MEMBER), (manager, Role.MANAGER)):
        add_member(actor=team.created_by, team=team, user=person, role=role)
    return {
        "team": team,
        "anonymous": AnonymousUser(),
        "stranger": UserFactory(),
        "owner": owner,
        "member": member,
        "manager": manager,
        "admin": UserFactory(is_superuser=True),
    }


PEOPLE = ("anonymous", "stranger", "member", "manager", "owner", "admin")
INSIDE = {"member", "manager", "owner", "admin"}


@pytest.mark.parametrize(
    ("visibility", "published", "seen_by"),
    [
        (Visibility.PUBLIC, True, set(PEOPLE)),
        (Visibility.TEAM, True, INSIDE),
        (Visibility.PRIVATE, True, {"owner", "admin"}),
        (Visibility.PUBLIC, False, INSIDE),
        (Visibility.TEAM, False, INSIDE),
        (Visibility.PRIVATE, False, {"owner", "admin"}),
    ],
)
def test_models_and_versions_are_seen_by_whom_the_rule_says(cast, visibility, published, seen_by):
    owner, team = cast["owner"], cast["team"]
    if published:
        version = publish_model(owner=owner, team=team, visibility=visibility)
    else:
        version = make_version(make_model(owner=owner, team=team, visibility=visibility))
    model = version.model
    for name in PEOPLE:
        viewer, sees = cast[name], name in seen_by
        assert Model.objects.visible_to(viewer).filter(pk=model.pk).exists() == sees, name
        assert ModelVersion.objects.visible_to(viewer).filter(pk=version.pk).exists() == sees, name
        listed = queries.model_list(viewer=viewer, filters=ModelFilters(scope=Scope.EVERYONE)).items
        assert (model in listed) == (sees and published), name
        facets = facets_of.facet_counts(viewer=viewer)
        assert facets.total == int(sees and published), name
        if sees:
            assert queries.model_detail(viewer=viewer, slug=model.slug).versions == (version,)
        else:
            with pytest.raises(NotFound):
                queries.model_detail(viewer=viewer, slug=model.slug)


def test_a_draft_version_of_a_public_model_is_seen_by_its_people_only(cast):
    first = publish_model(owner=cast["owner"], team=cast["team"])
    draft = make_version(first.model, name="v2")
    for name in PEOPLE:
        shown = queries.model_detail(viewer=cast[name], slug=first.model.slug).versions
        assert (draft in shown) == (name in INSIDE), name
        assert first in shown


def test_a_version_taken_back_is_seen_by_its_people_only(cast):
    version = publish_model(owner=cast["owner"], team=cast["team"])
    ModelVersion.objects.filter(pk=version.pk).update(status=Status.UNPUBLISHED)
    visible = ModelVersion.objects.visible_to
    assert not visible(cast["stranger"]).filter(pk=version.pk).exists()
    assert visible(cast["member"]).filter(pk=version.pk).exists()


def test_who_may_change_a_team_model(cast):
    version = publish_model(owner=cast["owner"], team=cast["team"])
    draft = make_version(version.model, name="v2")
    expected = {
        "anonymous": (False, False, False, False),
        "stranger": (False, False, False, False),
        "member": (False, True, False, True),
        "manager": (True, True, True, True),
        "owner": (True, True, True, True),
        "admin": (True, True, True, True),
    }
    for name, rights in expected.items():
        viewer = cast[name]
        assert (
            can_edit_model(viewer, version.model),
            can_add_version(viewer, version.model),
            can_edit_version(viewer, version),
            can_edit_version(viewer, draft),
        ) == rights, name


def test_owners_do_not_review_themselves(cast):
    version = publish_model(owner=cast["owner"])
    assert not can_review(cast["anonymous"], version)
    assert not can_review(cast["owner"], version)
    assert can_review(cast["stranger"], version)


def test_links_to_what_a_viewer_may_not_see_are_left_out_for_them(cast):
    from models_registry.services import recommendations
    from models_registry.services.values import Resource

    hidden = publish_model(
        owner=cast["owner"], name="Hidden", seed=5, visibility=Visibility.PRIVATE
    )
    shown = publish_model(owner=cast["owner"], name="Shown", seed=6)
    recommendations.add_resource(
        actor=cast["owner"], version=shown, resource=Resource(kind="lora", version=hidden)
    )
    ModelVersion.objects.filter(pk=shown.pk).update(base_version=hidden)

    def links(viewer):
        [version] = queries.model_detail(viewer=viewer, slug=shown.model.slug).versions
        resources = version.recommended_resources.all()
        return [resource.resource_version for resource in resources], version.base_version

    assert links(cast["owner"]) == ([hidden], hidden)
    assert links(cast["stranger"]) == ([], None)


def test_a_hash_of_a_base_does_not_tell_that_somebody_has_the_file():
    secret = publish_model(name="Base", seed=3, visibility=Visibility.PRIVATE)
    named = publish_model(name="Named", seed=4)
    named.base_model_sha256 = secret.files.get().blob.sha256
    nobody = lineage_of(viewer=AnonymousUser(), version=named)
    assert (nobody.bases, nobody.hidden_base) == ((), False)
    [base] = lineage_of(viewer=secret.model.owner, version=named).bases
    assert base.version == secret


def test_a_file_that_waits_for_its_check_is_known_to_the_people_of_its_model_only():
    team = make_team()
    version = publish_model(owner=team.created_by, team=team)
    waiting = add_clean_file(version, seed=9, name="later.safetensors", is_primary=False)
    ModelFile.objects.filter(pk=waiting.pk).update(scan_status=ScanStatus.PENDING, format="Other")
    for viewer, known in ((AnonymousUser(), 1), (UserFactory(), 1), (team.created_by, 2)):
        detail = queries.model_detail(viewer=viewer, model_id=version.model_id)
        assert len(detail.versions[0].files.all()) == known
        others = ModelFilters(formats=["Other"])
        assert not queries.model_list(viewer=viewer, filters=others).items


def test_the_words_of_a_draft_find_nothing_until_it_is_published(cast):
    shown = publish_model(trigger_words=["inkwash"])
    draft = make_version(shown.model, name="Moonrise", trigger_words=["lunarglow"])
    add_clean_file(draft, seed=5)

    def found(word: str) -> bool:
        hits = queries.model_list(viewer=cast["stranger"], filters=ModelFilters(query=word))
        return bool(hits.items)

    assert found("inkwash")
    assert not found("lunarglow")
    assert not found("moonrise")
    publish_version(actor=shown.model.owner, version=draft)
    assert found("lunarglow")
    assert found("moonrise")
    unpublish_version(actor=shown.model.owner, version=draft)
    assert not found("lunarglow")


def test_the_words_of_a_model_that_is_a_draft_find_it_for_its_people(cast):
    draft = make_version(make_model(owner=cast["owner"]), trigger_words=["lunarglow"])
    mine = ModelFilters(query="lunarglow", scope=Scope.MINE)
    found = queries.model_list(viewer=cast["owner"], filters=mine).items
    assert [row.pk for row in found] == [draft.model_id]
