"""What becomes of models, versions and files, over v2."""

import pytest

from hub.core.visibility import Visibility
from models_registry.models.file import FileKind, ModelFile
from models_registry.models.model import Model, ModelType
from models_registry.models.version import ModelVersion
from models_registry.services.publish import unpublish_version
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model
from tests.factories.training import TINY, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return UserFactory()


def test_an_archived_model_hands_out_nothing_until_it_is_restored(api, api_of, owner):
    version = publish_model(owner=owner)
    mine, path = api_of(owner), f"models/{version.model_id}/"
    assert mine.post(f"{path}archive/", status=200)["model"]["status"] == "Archived"
    assert api.raw(f"/api/download/models/{version.pk}").status_code == 410
    assert mine.post(f"{path}archive/", status=409)["code"] == "stale"
    shown = mine.post(f"{path}restore/", status=200)
    assert [shown["model"]["status"], shown["versions"][0]["status"]] == ["Published"] * 2
    assert api.raw(f"/api/download/models/{version.pk}").status_code == 307


def test_a_version_is_taken_back_and_published_again(api, api_of, owner):
    version = publish_model(owner=owner)
    mine, path = api_of(owner), f"versions/{version.pk}/"
    assert mine.post(f"{path}unpublish/", status=200)["status"] == "Unpublished"
    api.get(path, status=404)
    assert mine.post(f"{path}unpublish/", status=409)["code"] == "not_published"
    assert mine.post(f"{path}publish/", status=200)["status"] == "Published"
    assert api.get(path)["removal"] is None


def test_deleted_files_leave_their_names_their_hashes_and_the_reason(api, api_of, owner):
    version = publish_model(owner=owner)
    sha256 = version.files.get().blob.sha256
    mine, path = api_of(owner), f"versions/{version.pk}/"
    assert mine.post(f"{path}delete-files/", {"reason": " "}, status=400)["fields"]["reason"]
    body = {"reason": "A better one is out"}
    answer = mine.post(f"{path}delete-files/", body, status=200)
    assert (answer["status"], answer["files"]) == ("Deleted", [])
    told = api.get(path)["removal"]
    assert told == answer["removal"]
    assert told["reason"] == "A better one is out"
    assert [row["hashes"]["SHA256"] for row in told["files"]] == [sha256.upper()]
    assert mine.post(f"{path}delete-files/", body, status=409)["code"] == "not_published"


def test_drafts_are_deleted_and_what_was_public_is_not(api_of, owner):
    version = publish_model(owner=owner)
    draft = make_version(version.model, name="v2")
    other = make_model(owner=owner, name="Begun")
    mine = api_of(owner)
    mine.delete(f"versions/{draft.pk}/")
    mine.delete(f"models/{other.pk}/")
    assert list(ModelVersion.objects.values_list("pk", flat=True)) == [version.pk]
    unpublish_version(actor=owner, version=version)
    for path in (f"versions/{version.pk}/", f"models/{version.model_id}/"):
        assert mine.delete(path, status=409)["code"] == "was_public"


def test_a_draft_that_a_training_run_starts_from_stays(api_of, owner):
    model = make_model(owner=owner, type=ModelType.CHECKPOINT)
    version = make_version(model, base_model=TINY, trigger_words=())
    add_clean_file(version)
    make_job(owner=owner, base=version)
    mine = api_of(owner)
    for path in (f"versions/{version.pk}/", f"models/{model.pk}/"):
        assert mine.delete(path, status=409)["code"] == "in_use"


def test_files_are_made_primary_checked_again_and_taken_out(api_of, owner):
    version = publish_model(owner=owner)
    first = version.files.get()
    second = add_clean_file(version, seed=7, name="pruned.safetensors", is_primary=False)
    mine = api_of(owner)
    assert mine.post(f"files/{second.pk}/primary/", status=200)["is_primary"]
    assert mine.post(f"files/{second.pk}/rescan/", status=200)["scan_status"] == "Pending"
    mine.delete(f"files/{second.pk}/")
    assert version.files.get().is_primary
    assert mine.delete(f"files/{first.pk}/", status=409)["code"] == "last_file"


@pytest.mark.parametrize("is_archived", [False, True])
def test_what_goes_beside_a_model_is_not_the_file_that_a_public_version_needs(
    api_of, owner, is_archived
):
    version = publish_model(owner=owner)
    file = version.files.get()
    beside = add_clean_file(version, seed=7, name="notes.safetensors", is_primary=False)
    ModelFile.objects.filter(pk=beside.pk).update(kind=FileKind.TRAINING_DATA)
    mine = api_of(owner)
    if is_archived:
        mine.post(f"models/{version.model_id}/archive/", status=200)
    assert mine.delete(f"files/{file.pk}/", status=409)["code"] == "last_file"
    mine.delete(f"files/{beside.pk}/")


CHANGES = [
    ("post", "models/{0.model_id}/archive/"),
    ("post", "models/{0.model_id}/restore/"),
    ("post", "versions/{0.pk}/unpublish/"),
    ("post", "versions/{0.pk}/delete-files/"),
    ("post", "files/{1.pk}/primary/"),
    ("post", "files/{1.pk}/rescan/"),
    ("delete", "models/{0.model_id}/"),
    ("delete", "versions/{0.pk}/"),
    ("delete", "files/{1.pk}/"),
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_strangers_change_nothing_and_see_no_difference_where_they_see_nothing(
    api, api_of, owner, method, path
):
    version = publish_model(owner=owner)
    place = path.format(version, version.files.get())
    stranger, reader = api_of(UserFactory()), api_of(owner, ["models:read"])

    def ask(client, status):
        options = {"body": {"reason": "old"}} if method == "post" else {}
        return getattr(client, method)(place, **options, status=status)["code"]

    assert ask(api, 401) == "not_authenticated"
    assert ask(reader, 403) == "scope_missing"
    assert ask(stranger, 403) == "not_allowed"
    Model.objects.filter(pk=version.model_id).update(visibility=Visibility.PRIVATE)
    assert ask(stranger, 404) == "not_found"
    assert version.files.exists()
