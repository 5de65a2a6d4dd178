"""Likes, hiding, following, notes, tags with aliases, collections: the services."""

import pytest
from django.contrib.auth.models import AnonymousUser

from hub.core.errors import Conflict, Invalid, NotAllowed, NotFound
from models_registry import queries
from models_registry.engagement_queries import standing_of
from models_registry.filters import ModelFilters, Scope
from models_registry.models.engagement import ModelEngagement, TagFollow
from models_registry.models.model import Model
from models_registry.models.tag import Tag
from models_registry.services import collections, engagement, reviews
from models_registry.services.counters import repair_counters
from models_registry.services.drafts import set_tags
from models_registry.services.tags import add_alias
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import make_model, publish_model

pytestmark = pytest.mark.django_db
ANYONE = AnonymousUser()


def listed(viewer=ANYONE, **filters) -> list[str]:
    page = queries.model_list(viewer=viewer, filters=ModelFilters(**filters))
    return sorted(model.name for model in page.items)


def test_a_person_counts_once_as_thumbs_up_however_they_say_it():
    version = publish_model()
    fan, critic = UserFactory(), UserFactory()
    reviews.write_review(actor=fan, version=version, rating=5)
    engagement.set_engagement(actor=fan, model=version.model, kind="like", is_on=True)
    engagement.set_engagement(actor=critic, model=version.model, kind="like", is_on=True)
    engagement.set_engagement(actor=critic, model=version.model, kind="like", is_on=True)

    assert Model.objects.get().thumbs_up_count == 2
    assert not repair_counters(model_id=version.model_id)
    engagement.set_engagement(actor=critic, model=version.model, kind="like", is_on=False)
    assert Model.objects.get().thumbs_up_count == 1


def test_a_hidden_model_is_in_no_list_of_that_person_but_the_one_of_hidden_ones():
    version = publish_model()
    reader = UserFactory()
    engagement.set_engagement(actor=reader, model=version.model, kind="hide", is_on=True)

    assert listed(reader) == []
    assert listed(reader, query="ink") == []
    assert listed(reader, scope=Scope.HIDDEN) == ["Ink Wash"]
    assert listed(UserFactory()) == ["Ink Wash"]
    assert listed() == ["Ink Wash"]


def test_nobody_bonds_with_what_they_may_not_see():
    hidden = make_model()
    for kind in ("like", "hide", "follow"):
        with pytest.raises(NotFound):
            engagement.set_engagement(actor=UserFactory(), model=hidden, kind=kind, is_on=True)
    with pytest.raises(NotFound):
        engagement.write_note(actor=UserFactory(), model=hidden, text="x")


def test_seen_is_kept_once_and_never_for_guests():
    version = publish_model()
    reader = UserFactory()
    for viewer in (reader, reader, ANYONE):
        engagement.mark_seen(viewer=viewer, model_id=version.model_id)

    assert ModelEngagement.objects.count() == 1
    assert listed(reader, unseen=True) == []
    assert listed(unseen=True) == ["Ink Wash"]


def test_following_shows_models_of_people_with_tags_and_models_themselves():
    reader = UserFactory()
    by_person = publish_model(name="A", seed=1)
    publish_model(name="B", seed=2, tags=["ink"])
    by_itself = publish_model(name="C", seed=3)
    publish_model(name="D", seed=4)
    engagement.follow_person(
        actor=reader, username=by_person.model.owner.username.upper(), is_on=True
    )
    engagement.follow_tag(actor=reader, name=" Ink ", is_on=True)
    engagement.set_engagement(actor=reader, model=by_itself.model, kind="follow", is_on=True)

    assert listed(reader, scope=Scope.FOLLOWING) == ["A", "B", "C"]
    assert listed(scope=Scope.FOLLOWING) == []


def test_nobody_follows_themselves_or_somebody_who_is_not_there():
    person = UserFactory()
    with pytest.raises(Invalid):
        engagement.follow_person(actor=person, username=person.username, is_on=True)
    with pytest.raises(NotFound):
        engagement.follow_person(actor=person, username="nobody-of-this-name", is_on=True)
    with pytest.raises(NotFound):
        engagement.follow_tag(actor=person, name="no such tag", is_on=True)


@pytest.mark.parametrize("is_on", [True, False])
def test_a_tag_of_hidden_models_alone_is_not_there_to_who_does_not_follow_it(is_on):
    hidden = publish_model(tags=["secret"], visibility="private").model
    with pytest.raises(NotFound):
        engagement.follow_tag(actor=UserFactory(), name="secret", is_on=is_on)
    engagement.follow_tag(actor=hidden.owner, name="secret", is_on=is_on)
    follower = UserFactory()
    TagFollow.objects.create(follower=follower, tag=Tag.objects.get(name="secret"))
    engagement.follow_tag(actor=follower, name="secret", is_on=False)
    assert not TagFollow.objects.filter(follower=follower).exists()


def test_a_guest_stands_to_nothing(django_assert_num_queries):
    model = publish_model().model
    with django_assert_num_queries(0):
        assert standing_of(ANYONE, model) == standing_of(ANYONE, model)


def test_an_alias_means_its_tag_when_writing_looking_and_following():
    admin = UserFactory(is_staff=True)
    first = publish_model(name="A", seed=1, tags=["watercolour"]).model
    second = publish_model(name="B", seed=2, tags=["watercolor", "Paper"]).model
    third = publish_model(name="C", seed=3, tags=["watercolor", "watercolour"]).model
    reader = UserFactory()
    engagement.follow_tag(actor=reader, name="watercolor", is_on=True)
    tag = Tag.objects.get(name="watercolour")
    add_alias(actor=admin, tag=tag, name="Watercolor")

    assert not Tag.objects.filter(name="watercolor").exists()
    assert TagFollow.objects.get().tag == tag
    assert listed(tags=["watercolor"]) == listed(tags=["watercolour"]) == ["A", "B", "C"]
    assert [t.name for t in third.tags.all()] == ["watercolour"]
    assert listed(query="watercolor") == ["A", "B", "C"]
    set_tags(actor=first.owner, model=first, tags=["WaterColor", "ink"])
    assert sorted(t.name for t in first.tags.all()) == ["ink", "watercolour"]
    assert sorted(t.name for t in second.tags.all()) == ["paper", "watercolour"]


def test_only_staff_make_aliases_and_none_of_the_tag_itself():
    publish_model(tags=["ink"])
    tag = Tag.objects.get()
    with pytest.raises(NotAllowed):
        add_alias(actor=UserFactory(), tag=tag, name="tinte")
    with pytest.raises(Conflict):
        add_alias(actor=UserFactory(is_staff=True), tag=tag, name="INK")


def test_members_fill_a_teams_collection_and_others_do_not():
    team = make_team()
    model = publish_model().model
    shared = collections.create_collection(
        actor=team.created_by, name="Ours", visibility="team", team=team
    )
    with pytest.raises(NotAllowed):
        collections.collect_model(actor=UserFactory(), collection=shared, model=model)
    collections.collect_model(actor=team.created_by, collection=shared, model=model)
    collections.collect_model(actor=team.created_by, collection=shared, model=model)
    with pytest.raises(NotAllowed):
        collections.uncollect_models(actor=UserFactory(), collection=shared, model_ids=[model.pk])

    assert shared.items.count() == 1


def test_a_collection_is_shared_only_with_a_team_one_belongs_to():
    team = make_team()
    with pytest.raises(NotAllowed):
        collections.create_collection(actor=UserFactory(), name="x", visibility="team", team=team)
    with pytest.raises(Invalid):
        collections.create_collection(actor=UserFactory(), name="x", visibility="team")


def test_a_full_collection_takes_no_more(monkeypatch):
    monkeypatch.setattr(collections, "MAX_ITEMS", 1)
    owner = UserFactory()
    made = collections.create_collection(actor=owner, name="Small")
    collections.collect_model(actor=owner, collection=made, model=publish_model().model)
    with pytest.raises(Conflict):
        collections.collect_model(
            actor=owner, collection=made, model=publish_model(name="B", seed=2).model
        )
