"""Collections: who sees them and what is in them, how models come in and go out."""

import json

import pytest
from django.urls import reverse

from hub.core.visibility import Visibility
from models_registry.models.collection import Collection
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import collections
from tests.factories.accounts import UserFactory, make_team
from tests.factories.registry import publish_model
from tests.factories.visitors import client_of, people_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    team = make_team()
    return publish_model(owner=team.created_by, team=team, tags=["ink"])


@pytest.mark.parametrize(
    ("visibility", "opens"),
    [
        (Visibility.PRIVATE, {"owner"}),
        (Visibility.TEAM, {"owner", "viewer", "member"}),
        (Visibility.PUBLIC, {"anonymous", "stranger", "owner", "viewer", "member"}),
    ],
)
def test_a_collection_and_its_files_open_for_whom_it_is_shared_with(version, visibility, opens):
    owner, team = version.model.owner, version.model.team
    made = collections.create_collection(
        actor=owner, name="For covers", visibility=visibility, team=team
    )
    collections.collect_model(actor=owner, collection=made, model=version.model)
    for name, person in people_of(version).items():
        client = client_of(person)
        for page in ("collection", "collection_manifest", "collection_aria2"):
            answer = client.get(reverse(page, args=[made.pk]))
            assert answer.status_code == (200 if name in opens else 404), (name, page)
        listed = "For covers" in text_of(client.get(reverse("collections")))
        assert listed == (name in opens), name


def test_a_private_model_is_neither_shown_nor_counted_in_a_public_collection(version):
    owner = version.model.owner
    hidden = publish_model(owner=owner, name="Secret", seed=2, visibility="private").model
    unlisted = publish_model(owner=owner, name="Quiet", seed=3, visibility="unlisted").model
    made = collections.create_collection(actor=owner, name="Mixed", visibility=Visibility.PUBLIC)
    for model in (version.model, hidden, unlisted):
        collections.collect_model(actor=owner, collection=made, model=model)
    page = text_of(client_of().get(reverse("collection", args=[made.pk])))
    manifest = json.loads(client_of().get(reverse("collection_manifest", args=[made.pk])).content)
    listed = text_of(client_of().get(reverse("collections")))

    assert "Secret" not in page
    assert "Quiet" not in page
    assert [entry["name"] for entry in manifest["models"]] == ["Ink Wash"]
    assert "1 model<" in listed
    assert "Secret" in text_of(client_of(owner).get(reverse("collection", args=[made.pk])))


def test_models_go_into_a_collection_from_their_page_and_out_in_bulk(version):
    reader = UserFactory()
    client = client_of(reader)
    collect = reverse("model_collect", args=[version.model.slug])
    client.post(collect, {"new": "Ink things"})
    made = Collection.objects.get()
    assert made.owner == reader
    assert made.visibility == Visibility.PRIVATE
    client.post(collect, {"shown": [made.pk]})
    assert made.items.count() == 0
    client.post(collect, {"shown": [made.pk], "collection": [made.pk]})
    assert made.items.count() == 1
    take_out = reverse("collection_take_out", args=[made.pk])
    assert client_of(UserFactory()).post(take_out, {"model": "1"}).status_code == 404
    page = text_of(client.post(take_out, {"model": [str(version.model_id)]}, follow=True))

    assert "1 model is taken out." in page
    assert made.items.count() == 0


def test_search_inside_a_collection_stays_inside(version):
    owner = version.model.owner
    made = collections.create_collection(actor=owner, name="Some", visibility="public")
    other = publish_model(owner=owner, name="Neon town", seed=5).model
    publish_model(owner=owner, name="Neon road", seed=6)
    for model in (version.model, other):
        collections.collect_model(actor=owner, collection=made, model=model)
    page = text_of(client_of().get(reverse("collection", args=[made.pk]) + "?q=neon"))

    assert "Neon town" in page
    assert "Neon road" not in page
    assert "Ink Wash" not in page


def test_a_collection_is_renamed_and_deleted_by_its_owner_only(version):
    owner = version.model.owner
    made = collections.create_collection(actor=owner, name="Some", visibility="public")
    edit, remove = (
        reverse(name, args=[made.pk]) for name in ("collection_edit", "collection_delete")
    )
    stranger = client_of(UserFactory())
    assert stranger.get(edit).status_code == 403
    assert stranger.post(remove).status_code == 403
    client = client_of(owner)
    assert client.get(edit).status_code == 200
    refused = client.post(edit, {"name": "Other", "visibility": "team"})
    assert refused.status_code == 422
    client.post(edit, {"name": "Other", "visibility": "public", "description": "words"})
    assert Collection.objects.get().name == "Other"
    client.post(remove)

    assert not Collection.objects.exists()
    assert Model.objects.exists()
