"""`/datasets/` of v2."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.core.visibility import Visibility
from hub.storage.models import UploadPurpose
from tests.factories.accounts import UserFactory, make_team
from tests.factories.training import fill, make_dataset, picture_bytes, zip_bytes
from training.datasets.services.importing import import_upload

pytestmark = pytest.mark.django_db


def test_from_nothing_to_a_filled_dataset_with_a_report(api_of, send):
    person = UserFactory()
    team = make_team(owner=person)
    api = api_of(person)
    body = {"team": team.slug, "name": "Yuki", "resolution": 64, "trigger_word": "yuki"}
    made = api.post("datasets/", body)
    archive = zip_bytes({"a.png": picture_bytes(1), "a.txt": b"yuki", "notes.pdf": b"%PDF-1.7"})
    upload = send(person, archive, purpose=UploadPurpose.DATASET, name="all.zip")
    started = api.post(
        f"datasets/{made['slug']}/imports/", {"upload_id": str(upload.pk)}, status=202
    )
    assert started["status"] == "waiting"
    import_upload(dataset_id=made["id"], upload_id=upload.pk)
    report = api.get(f"datasets/{made['slug']}/imports/{started['id']}/")
    assert (report["status"], report["added"]) == ("done", 1)
    assert report["left_out"] == [{"name": "notes.pdf", "outcome": "not_an_image"}]
    shown = api.get(f"datasets/{made['id']}/")
    assert (shown["item_count"], shown["trigger_word"]) == (1, "yuki")
    assert shown["problems"]["too_small"] == 0


def test_the_same_upload_sent_twice_is_one_import(api_of, send):
    person = UserFactory()
    dataset = make_dataset(owner=person)
    upload = send(person, picture_bytes(), purpose=UploadPurpose.DATASET, name="a.png")
    path, body = f"datasets/{dataset.slug}/imports/", {"upload_id": str(upload.pk)}
    api = api_of(person)
    assert api.post(path, body, status=202)["id"] == api.post(path, body, status=202)["id"]


def test_a_strangers_dataset_is_not_there_and_a_public_one_cannot_be_changed(api_of, send):
    hidden, public = make_dataset(name="Hidden"), make_dataset(name="Public")
    public.visibility = Visibility.PUBLIC
    public.save(update_fields=["visibility"])
    person = UserFactory()
    api = api_of(person)
    assert [row["name"] for row in api.get("datasets/")["items"]] == ["Public"]
    api.get(f"datasets/{hidden.slug}/", status=404)
    upload = send(person, picture_bytes(), purpose=UploadPurpose.DATASET, name="a.png")
    body = {"upload_id": str(upload.pk)}
    api.post(f"datasets/{hidden.slug}/imports/", body, status=404)
    api.post(f"datasets/{public.slug}/imports/", body, status=403)


def test_a_dataset_is_made_only_for_ones_own_team_and_within_limits(api_of):
    person = UserFactory()
    mine, other = make_team(owner=person, name="Mine"), make_team(name="Other")
    api = api_of(person)
    api.post("datasets/", {"team": other.slug, "name": "x"}, status=404)
    body = {"team": mine.slug, "name": "x", "resolution": 7}
    assert api.post("datasets/", body, status=400)["code"] == "invalid"


def test_an_import_of_another_dataset_is_not_found(api_of):
    person = UserFactory()
    team = make_team(owner=person)
    one = make_dataset(owner=person, team=team, name="One")
    two = make_dataset(owner=person, team=team, name="Two")
    fill(one)
    batch = one.imports.get()
    api_of(person).get(f"datasets/{two.slug}/imports/{batch.pk}/", status=404)


def test_the_list_takes_the_same_number_of_queries_however_many_there_are(api_of):
    person = UserFactory()
    team = make_team(owner=person)
    api = api_of(person)
    counts = []
    for many in (1, 4):
        for number in range(many):
            make_dataset(owner=person, team=team, name=f"Set {many} {number}")
        api.get("datasets/")
        with CaptureQueriesContext(connection) as queries:
            assert len(api.get("datasets/")["items"]) >= many
        counts.append(len(queries))
    assert counts[0] == counts[1]
