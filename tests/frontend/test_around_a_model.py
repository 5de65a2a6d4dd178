"""Older reviews, models put from one collection into another, where a version came from."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from frontend.contexts import model_reviews
from hub.accounts.models import User
from models_registry.models.collection import Collection
from models_registry.models.version import ModelVersion
from models_registry.services import collections, reviews
from models_registry.services.edits import update_model
from models_registry.services.publish import publish_version
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, make_version, publish_model
from tests.factories.runs import finished_run
from training.datasets.models.snapshot import Snapshot

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def version() -> ModelVersion:
    return publish_model()


def client_of(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def page_of(address: str, user: User | None = None, **more: object) -> str:
    return client_of(user).get(address, **more).content.decode()


def test_older_reviews_follow_on_demand(version, monkeypatch):
    monkeypatch.setattr(model_reviews, "SHOWN", 2)
    for number in range(3):
        reviews.write_review(actor=UserFactory(), version=version, rating=4, text=f"No {number}")
    page = page_of(reverse("model", args=[version.model.slug]))
    assert "No 2" in page
    assert "No 0" not in page
    address = reverse("model_reviews", args=[version.model.slug])
    assert f"{address}?cursor=" in page
    cursor = page.split(f"{address}?cursor=")[1].split('"')[0].replace("&amp;", "&")
    older = page_of(f"{address}?cursor={cursor}", headers=HTMX)

    assert "No 0" in older
    assert "<html" not in older
    assert client_of().get(address).status_code == 302


def test_models_are_put_from_one_collection_into_another(version):
    reader, owner = UserFactory(), version.model.owner
    shown = collections.create_collection(actor=owner, name="Shown", visibility="public")
    secret = publish_model(owner=owner, name="Secret", seed=2, visibility="private").model
    collections.collect_models(actor=owner, collection=shown, models=[version.model, secret])
    mine = collections.create_collection(actor=reader, name="Mine")
    client = client_of(reader)
    page = client.get(reverse("collection", args=[shown.pk])).content.decode()
    assert "Put the selected models in there" in page
    assert "Take the selected models out" not in page
    put = reverse("collection_put_elsewhere", args=[shown.pk])
    ids = [str(version.model_id), str(secret.pk)]
    answer = client.post(put, {"model": ids, "target": str(mine.pk)}, follow=True)

    assert "1 model is put into Mine." in answer.content.decode()
    assert list(mine.items.values_list("model_id", flat=True)) == [version.model_id]
    assert client.post(put, {"model": ids}).status_code == 404
    private = collections.create_collection(actor=owner, name="Not yours")
    assert client.post(put, {"model": ids, "target": str(private.pk)}).status_code == 404
    assert Collection.objects.get(pk=private.pk).items.count() == 0


def test_the_lineage_leads_to_the_dataset_for_those_who_may_see_it(version, tmp_path):
    job = finished_run(tmp_path)
    snapshot = Snapshot.objects.get(pk=job.snapshot_id)
    ModelVersion.objects.filter(pk=version.pk).update(
        job_uuid=job.pk,
        dataset_snapshot_uuid=snapshot.pk,
        snapshot_hash=snapshot.manifest_sha256,
    )
    address = reverse("model_lineage", args=[version.pk])
    dataset = reverse("dataset", args=[snapshot.dataset.slug])

    assert dataset in page_of(address, job.owner)
    assert dataset not in page_of(address, UserFactory())
    assert snapshot.manifest_sha256[:16] in page_of(address)


def test_mature_content_and_the_kind_of_checkpoint_are_told(version):
    owner = version.model.owner
    update_model(actor=owner, model=version.model, nsfw_level=8)
    address = reverse("model", args=[version.model.slug])
    assert '<span class="badge warn">X</span>' in page_of(address)
    update_model(actor=owner, model=version.model, nsfw_level=1)
    assert "badge warn" not in page_of(address)
    merged = publish_model(name="Mix", type="Checkpoint", seed=4, checkpoint_type="Merge")
    assert "Merge</span>" in page_of(reverse("model", args=[merged.model.slug]))


def test_buttons_of_a_version_leave_the_reader_at_that_version(version):
    second = make_version(version.model, name="v2")
    add_clean_file(second, seed=9)
    publish_version(actor=version.model.owner, version=second)
    slug, client = version.model.slug, client_of(UserFactory())
    for name, args in (
        ("model_engage", [slug, "like"]),
        ("model_save", [slug]),
        ("model_collect", [slug]),
        ("model_note", [slug]),
    ):
        answer = client.post(reverse(name, args=args), {"on": "1", "v": "1", "text": "at 0.5"})
        assert answer.headers["Location"] == f"/models/{slug}/?v=1", name


def test_a_like_brings_the_row_of_buttons_and_not_the_page(version):
    slug, client = version.model.slug, client_of(UserFactory())
    for name, args, words in (
        ("model_engage", [slug, "like"], 'id="like" type="submit" aria-pressed="true"'),
        ("model_save", [slug], 'id="save" type="submit" aria-pressed="true"'),
    ):
        with CaptureQueriesContext(connection) as asked:
            answer = client.post(reverse(name, args=args), {"on": "1", "v": "1"}, headers=HTMX)
        page = answer.content.decode()
        assert words in page
        assert "<html" not in page
        assert '"models_registry_versioncover"' not in str(asked.captured_queries)


def test_following_somebody_leads_back_to_where_one_was_and_nowhere_else(version):
    address = reverse("person_follow", args=[version.model.owner.username])
    there = f"/models/{version.model.slug}/?v=1"
    client = client_of(UserFactory())
    for asked, led in (
        (there, there),
        ("https://elsewhere.example/", "/people/"),
        ("", "/people/"),
    ):
        answer = client.post(address, {"on": "1", "next": asked})
        assert answer.headers["Location"].startswith(led)


def test_a_tag_is_offered_to_follow_where_a_model_has_it(version):
    update_model(actor=version.model.owner, model=version.model, tags=["ink"])
    reader, models = UserFactory(), reverse("models")
    assert "Follow ink" in page_of(f"{models}?tag=ink", reader)
    assert "Follow inc" not in page_of(f"{models}?tag=inc", reader)
