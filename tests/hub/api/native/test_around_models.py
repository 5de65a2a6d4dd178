"""Cards, advice, reviews, collections, comparisons and lineage through v2."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.storage.models import UploadPurpose
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import drafts
from models_registry.services.edits import update_model
from models_registry.services.values import Usage
from tests.factories.accounts import UserFactory, make_team
from tests.factories.comparisons import publish_tiny_base, publish_tiny_lora
from tests.factories.formats import png_bytes
from tests.factories.registry import publish_model
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return publish_model(tags=["ink"])


def test_a_card_is_changed_field_by_field(api_of, version):
    mine = api_of(version.model.owner)
    path = f"models/{version.model_id}/"
    changed = mine.patch(path, {"allow_no_credit": False, "licence": "MIT", "nsfw_level": 4})
    card = changed["model"]

    assert (card["allow_no_credit"], card["allow_derivatives"]) == (False, True)
    assert (card["licence"], card["nsfw_level"], card["tags"]) == ("MIT", 4, ["ink"])
    assert mine.patch(path, {"tags": ["a", "b"]})["model"]["tags"] == ["a", "b"]
    assert mine.patch(path, {"type": "VAE"}, status=409)["code"] == "type_fixed"
    assert api_of(UserFactory()).patch(path, {"name": "x"}, status=403)


def test_one_setting_is_changed_without_losing_the_others(api_of, version):
    mine = api_of(version.model.owner)
    path = f"versions/{version.pk}/"
    mine.patch(path, {"sampler": "Euler a", "steps": 28, "cfg_note": "Softer below 5"})
    said = mine.patch(path, {"cfg_min": 4, "cfg_scale": 7, "cfg_max": 9})

    assert (said["sampler"], said["steps"], said["cfg_note"]) == ("Euler a", 28, "Softer below 5")
    assert (said["cfg_min"], said["cfg_scale"], said["cfg_max"]) == (4, 7, 9)
    assert mine.patch(path, {"cfg_min": 12}, status=400)["code"] == "cfg_invalid"
    assert Usage.of(ModelVersion.objects.get(pk=version.pk)).sampler == "Euler a"


def test_how_it_was_trained_is_said_one_by_one_and_the_history_tells_it(api, api_of, version):
    owner = version.model.owner
    mine = api_of(owner)
    path = f"versions/{version.pk}/"
    mine.patch(path, {"network_dim": 16, "epochs": 12, "base_model_type": "Inpainting"})
    said = mine.patch(path, {"training_steps": 1800})
    assert (said["network_dim"], said["epochs"], said["training_steps"]) == (16, 12, 1800)
    assert said["base_model_type"] == "Inpainting"
    team = make_team(owner=owner)
    assert mine.patch(f"models/{version.model_id}/", {"team": team.slug})["model"]["team"]
    assert mine.patch(f"models/{version.model_id}/", {"team": "nowhere"}, status=404)
    history = f"models/{version.model_id}/history/"
    newest = mine.get(history, limit=1)
    assert [row["field"] for row in newest["items"][0]["changes"]] == ["team"]
    assert newest["items"][0]["author"]["username"] == owner.username
    older = mine.get(history, cursor=newest["next_cursor"])["items"]
    assert older[0]["changes"][0]["pieces"] == [{"change": "added", "text": "1800"}]
    assert api.get(history, status=401)
    assert api_of(UserFactory()).get(history, status=403)


def test_what_the_bytes_do_not_say_of_a_file_is_said_through_the_api(api_of, version):
    file = version.files.get()
    mine = api_of(version.model.owner)
    assert mine.patch(f"files/{file.pk}/", {"ema": "only"})["ema"] == "only"
    assert mine.patch(f"files/{file.pk}/", {"precision": "fp32"}, status=400)["code"] == (
        "precision_told"
    )
    assert api_of(UserFactory()).patch(f"files/{file.pk}/", {"ema": ""}, status=403)


def test_resources_and_examples_are_replaced_as_lists(api_of, version):
    mine = api_of(version.model.owner)
    path = f"versions/{version.pk}/"
    base = publish_model(name="Paper Base", type="Checkpoint", seed=4)
    cover = drafts.add_cover(actor=version.model.owner, version=version, blob=picture_blob())
    resources = [
        {"kind": "checkpoint", "version_id": base.pk},
        {"kind": "negative_embedding", "name": "bad-hands-5", "weight": "0.8"},
    ]
    examples = [{"prompt": "a pine", "seed": 7, "cover_id": cover.pk}]
    said = mine.patch(path, {"resources": resources, "examples": examples})

    assert [row["name"] for row in said["resources"]] == ["Paper Base v1", "bad-hands-5"]
    assert said["resources"][0]["model_id"] == base.model_id
    assert (said["examples"][0]["cover_id"], said["examples"][0]["seed"]) == (cover.pk, 7)
    update_model(actor=base.model.owner, model=base.model, visibility="private")
    seen = api_of(UserFactory()).get(path)
    assert seen["resources"][0]["version_id"] is None
    assert mine.patch(path, {"resources": []})["resources"] == []
    wrong = {"examples": [{"prompt": "x", "cover_id": 10**6}]}
    assert mine.patch(path, wrong, status=400)["code"] == "cover_unknown"


def test_pictures_are_ordered_and_taken_off(api_of, version):
    mine = api_of(version.model.owner)
    covers = [
        drafts.add_cover(actor=version.model.owner, version=version, blob=picture_blob(colour))
        for colour in ("red", "blue")
    ]
    path = f"versions/{version.pk}/covers/{covers[1].pk}/"
    said = mine.post(path, status=200)["covers"]
    assert [cover["id"] for cover in said] == [covers[1].pk, covers[0].pk]
    assert [cover["id"] for cover in mine.delete(path, status=200)["covers"]] == [covers[0].pk]
    mine.delete(path, status=404)


def test_a_review_is_written_listed_and_taken_back(api_of, send, version):
    reader = UserFactory()
    base = publish_model(name="Paper Base", type="Checkpoint", seed=4)
    upload = send(reader, png_bytes({}), purpose=UploadPurpose.IMAGE, name="one.png")
    path = f"versions/{version.pk}/review/"
    body = {
        "rating": 4,
        "weight": "0.7",
        "base_version_id": base.pk,
        "upload_id": str(upload.pk),
    }
    api = api_of(reader)
    said = api.put(path, body)
    assert (said["base_name"], said["weight"]) == ("Paper Base v1", 0.7)
    assert said["picture_url"].startswith("/media/")
    del body["upload_id"]
    assert api.put(path, body)["picture_url"]
    assert api.put(path, body | {"remove_picture": True})["picture_url"] is None
    update_model(actor=base.model.owner, model=base.model, visibility="private")
    [listed] = api_of(UserFactory()).get(f"models/{version.model_id}/reviews/")["items"]
    assert (listed["base_name"], listed["base_version_id"]) == ("", None)
    assert api.put(path, {"rating": 6}, status=400)
    api.delete(path)
    api.delete(path, status=404)
    assert api_of(version.model.owner).put(path, {"rating": 5}, status=403)


def test_standing_and_following_are_ones_own(api, api_of, version):
    reader = api_of(UserFactory())
    path = f"models/{version.model_id}/standing/"
    said = reader.patch(path, {"is_liked": True, "is_saved": True, "note": "at 0.6"})
    assert (said["is_liked"], said["is_saved"], said["note"]) == (True, True, "at 0.6")
    assert reader.patch(path, {"is_saved": False})["is_liked"]
    assert Model.objects.get().thumbs_up_count == 1
    assert api.get(path, status=401)
    assert not api_of(UserFactory()).get(path)["note"]
    assert reader.put("following/tags/Ink/")["tags"] == ["ink"]
    owner = version.model.owner.username
    assert reader.put(f"following/people/{owner}/")["people"] == [owner]
    assert reader.delete(f"following/people/{owner}/", status=200)["people"] == []
    listed = reader.get("models/", scope="following")["items"]
    assert [row["id"] for row in listed] == [version.model_id]
    assert reader.get("models/", licence="MIT")["items"] == []


def test_a_collection_is_filled_searched_and_emptied_in_bulk(api, api_of, version):
    owner = version.model.owner
    mine = api_of(owner)
    other = publish_model(owner=owner, name="Neon", seed=2)
    secret = publish_model(name="Secret", seed=3, visibility="private")
    made = mine.post("collections/", {"name": "Covers", "visibility": "public"})
    path = f"collections/{made['id']}/"
    ids = [version.model_id, other.model_id]
    assert mine.post(f"{path}models/", {"add": ids}, status=200) == {"added": 2, "removed": 0}
    assert mine.post(f"{path}models/", {"add": [secret.model_id]}, status=404)
    found = api.get(f"{path}models/", query="neon")["items"]
    assert [row["name"] for row in found] == ["Neon"]
    assert mine.post(f"{path}models/", {"remove": ids[:1]}, status=200)["removed"] == 1
    assert api_of(UserFactory()).post(f"{path}models/", {"add": ids}, status=403)
    assert mine.patch(path, {"visibility": "private"})["name"] == "Covers"
    assert api.get(path, status=404)
    mine.delete(path)
    assert mine.get("collections/", mine=True)["items"] == []


def test_a_collection_of_a_team_is_one_of_ones_teams(api_of):
    team = make_team()
    body = {"name": "Ours", "visibility": "team", "team": team.slug}
    assert api_of(UserFactory()).post("collections/", body, status=404)
    assert api_of(team.created_by).post("collections/", body)["team"] == team.slug


def test_a_comparison_is_asked_for_and_read(api, api_of, tmp_path: Path):
    owner = UserFactory()
    base, lora = publish_tiny_base(owner), publish_tiny_lora(owner, tmp_path)
    path = f"versions/{lora.pk}/comparisons/"
    body = {"checkpoints": [base.pk], "prompts": ["an apple"], "weights": [0.5, 1]}
    mine = api_of(owner)
    made = mine.post(path, body)
    assert (made["state"], made["pictures_total"]) == ("queued", 3)
    assert [column["weight"] for column in made["columns"]] == [None, 0.5, 1.0]
    assert api.get(path)["items"][0]["id"] == made["id"]
    one = f"comparisons/{made['id']}/"
    assert api_of(UserFactory()).post(f"{one}cancel/", status=403)
    assert mine.post(f"{one}cancel/", status=200)["state"] == "canceled"
    assert mine.post(f"{one}retry/", status=200)["state"] == "queued"
    assert mine.post(path, body | {"checkpoints": [10**6]}, status=404)
    assert mine.post(path, body | {"steps": 0}, status=400)
    mine.delete(one)
    assert api.get(one, status=404)


def test_lineage_names_what_the_caller_may_see(api, version):
    base = publish_model(name="Base", type="Checkpoint", seed=4)
    ModelVersion.objects.filter(pk=version.pk).update(base_version=base, snapshot_hash="ab" * 32)
    path = f"versions/{version.pk}/lineage/"
    said = api.get(path)
    assert [row["model_name"] for row in said["bases"]] == ["Base"]
    assert said["snapshot_hash"] == "ab" * 32
    [made] = api.get(f"versions/{base.pk}/lineage/")["descendants"]
    assert made["version_id"] == version.pk
    update_model(actor=base.model.owner, model=base.model, visibility="private")
    hidden = api.get(path)
    assert (hidden["bases"], hidden["has_hidden_base"]) == ([], True)


def test_more_reviews_and_comments_cost_no_more_queries(api, api_of, version):
    def count(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            api.get(path)
        return len(seen)

    paths = [f"models/{version.model_id}/{name}/" for name in ("reviews", "comments")]

    def say() -> None:
        person = api_of(UserFactory())
        person.put(f"versions/{version.pk}/review/", {"rating": 4})
        person.post(paths[1], {"text": "Hello"})

    say()
    few = [count(path) for path in paths]
    for _ in range(3):
        say()
    assert [count(path) for path in paths] == few
