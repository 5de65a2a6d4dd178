"""`/models/`, `/versions/`, `/files/` of v2."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.core.visibility import Visibility
from hub.storage.models import UploadPurpose
from models_registry.models.model import Model
from models_registry.services import files, publish
from tests.factories.accounts import UserFactory, make_team
from tests.factories.formats import png_bytes
from tests.factories.registry import (
    add_clean_file,
    lora_bytes,
    make_model,
    make_version,
    publish_model,
)

pytestmark = pytest.mark.django_db
INFOTEXT = "a mountain, inkwash\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64"


def test_from_nothing_to_a_published_model(api_of, send):
    person = UserFactory()
    api = api_of(person)
    made = api.post("models/", {"name": "Ink Wash", "type": "LORA", "tags": ["ink"]})
    model_id = made["model"]["id"]
    facts = {"base_model": "SD 1.5", "weight": {"default": "0.8"}, "trigger_words": ["inkwash"]}
    version = api.post(f"models/{model_id}/versions/", facts)
    assert (version["status"], version["weight"]["default"]) == ("Draft", 0.8)
    upload = send(person, lora_bytes(), purpose=UploadPurpose.MODEL_FILE, name="ink.safetensors")
    file = api.post(f"versions/{version['id']}/files/", {"upload_id": str(upload.pk)})
    assert (file["scan_status"], file["sha256"]) == ("Pending", upload.sha256)
    early = api.post(f"versions/{version['id']}/publish/", status=409)
    assert (early["code"], early["missing"]) == ("not_ready", ["file_pending"])
    files.process_file(file_id=file["id"])
    shown = api.post(f"versions/{version['id']}/publish/", status=200)
    assert (shown["status"], shown["trigger_words"]) == ("Published", ["inkwash"])
    assert shown["files"][0]["hashes"]["SHA256"] == upload.sha256.upper()
    assert Model.objects.get().status == "Published"


def test_only_a_checkpoint_is_trained_or_merged(api_of):
    api = api_of(UserFactory())
    for kind, told in (("Checkpoint", "Merge"), ("VAE", "")):
        body = {"name": "Ink", "type": kind, "checkpoint_type": "Merge"}
        assert api.post("models/", body)["model"]["checkpoint_type"] == told


def test_a_picture_with_generation_data_becomes_a_cover(api_of, send):
    person = UserFactory()
    version = make_version(make_model(owner=person))
    picture = png_bytes({"parameters": INFOTEXT})
    upload = send(person, picture, purpose=UploadPurpose.IMAGE, name="one.png")
    body = {"upload_id": str(upload.pk)}
    [cover] = api_of(person).post(f"versions/{version.pk}/covers/", body)["covers"]
    assert (cover["content_type"], cover["sha256"]) == ("image/png", upload.sha256)
    assert cover["generation_text"].startswith("a mountain, inkwash")
    assert f"/{upload.sha256}/original=true/" in cover["url"]


def test_what_is_no_picture_is_refused_and_can_still_be_used(api_of, send):
    person = UserFactory()
    version = make_version(make_model(owner=person))
    upload = send(person, b"not a picture", purpose=UploadPurpose.IMAGE, name="one.png")
    body = {"upload_id": str(upload.pk)}
    assert api_of(person).post(f"versions/{version.pk}/covers/", body, status=400)
    upload.refresh_from_db()
    assert upload.status == "complete"


def test_a_file_that_is_here_is_added_by_its_hash_without_sending_it(api_of):
    there = publish_model(seed=3)
    sha256 = there.files.get().blob.sha256
    person = UserFactory()
    version = make_version(make_model(owner=person, name="Mirror"))
    path = f"versions/{version.pk}/files/"
    file = api_of(person).post(path, {"sha256": sha256, "name": "ink.safetensors"})
    assert (file["sha256"], file["name"]) == (sha256, "ink.safetensors")


@pytest.mark.parametrize("keep", ["private", "early", "pending"])
def test_the_hash_of_a_file_out_of_reach_gives_nothing(api_of, keep, settings):
    version = publish_model(seed=3)
    file = version.files.get()
    if keep == "private":
        Model.objects.filter(pk=version.model_id).update(visibility=Visibility.PRIVATE)
    elif keep == "early":
        version.early_access_until = version.published_at.replace(year=2099)
        version.save(update_fields=["early_access_until"])
    else:
        file.scan_status = "Pending"
        file.save(update_fields=["scan_status"])
    person = UserFactory()
    mine = make_version(make_model(owner=person, name="Mirror"))
    body = {"sha256": file.blob.sha256}
    answer = api_of(person).post(f"versions/{mine.pk}/files/", body, status=404)
    assert answer["code"] == "not_found"
    assert not mine.files.exists()


def test_a_file_comes_from_an_upload_or_from_a_hash_not_from_both(api_of):
    person = UserFactory()
    version = make_version(make_model(owner=person))
    answer = api_of(person).post(f"versions/{version.pk}/files/", {"name": "x"}, status=400)
    assert "either" in answer["error"]


def test_somebody_elses_upload_cannot_be_used(api_of, send):
    person = UserFactory()
    version = make_version(make_model(owner=person))
    upload = send(UserFactory(), lora_bytes(), purpose=UploadPurpose.MODEL_FILE, name="x")
    body = {"upload_id": str(upload.pk)}
    api_of(person).post(f"versions/{version.pk}/files/", body, status=404)


def test_a_strangers_draft_is_not_there_and_a_public_model_cannot_be_changed(api_of):
    draft = make_version(make_model())
    public = publish_model(name="Public", seed=2)
    stranger = api_of(UserFactory())
    stranger.get(f"models/{draft.model_id}/", status=404)
    stranger.get(f"versions/{draft.pk}/", status=404)
    stranger.patch(f"versions/{draft.pk}/", {"name": "mine"}, status=404)
    stranger.patch(f"versions/{public.pk}/", {"name": "mine"}, status=403)
    stranger.post(f"models/{public.model_id}/versions/", {}, status=403)
    stranger.post(f"versions/{public.pk}/publish/", status=403)


def test_a_change_leaves_alone_what_it_does_not_name(api_of):
    person = UserFactory()
    version = publish_model(owner=person, trigger_words=["one", "two"])
    api = api_of(person)
    changed = api.patch(f"versions/{version.pk}/", {"changelog": "sharper"})
    assert (changed["changelog"], changed["trigger_words"]) == ("sharper", ["one", "two"])
    named = {"trigger_word_sets": [{"name": "outfit", "words": ["robe", "hat"]}]}
    changed = api.patch(f"versions/{version.pk}/", named)
    assert changed["trigger_word_sets"] == [{"name": "outfit", "words": ["robe", "hat"]}]
    assert changed["changelog"] == "sharper"


def test_a_base_model_that_is_not_in_the_table_is_refused_in_the_services_words(api_of):
    person = UserFactory()
    model = make_model(owner=person)
    body = {"base_model": "SD 99"}
    answer = api_of(person).post(f"models/{model.pk}/versions/", body, status=400)
    assert answer["code"] == "base_unknown"


def test_drafts_are_listed_only_where_they_were_asked_for(api_of):
    person = UserFactory()
    team = make_team(owner=person)
    make_model(owner=person, team=team, name="Draft", visibility=Visibility.TEAM)
    publish_model(name="Public", seed=2)
    api = api_of(person)

    def names(**query):
        return [item["name"] for item in api.get("models/", **query)["items"]]

    assert names() == ["Public"]
    assert names(scope="mine") == ["Draft"]
    assert names(team=team.slug) == ["Draft"]
    assert api.get("models/", team="strangers", status=404)


def test_filters_and_search_are_those_of_the_pages(api):
    publish_model(name="Ink Wash", trigger_words=["inkwash"])
    publish_model(name="Neon", seed=2, type="LoCon", base_model="SDXL 1.0", trigger_words=["glow"])

    def names(**query):
        return [item["name"] for item in api.get("models/", **query)["items"]]

    assert names(query="inkwash") == ["Ink Wash"]
    assert names(type="LoCon") == ["Neon"]
    assert names(type=["LoCon", "LORA"], sort="oldest") == ["Ink Wash", "Neon"]
    assert names(base_model="SDXL 1.0") == ["Neon"]
    assert api.get("models/", sort="sideways", status=400)["fields"]["sort"]


def test_pages_follow_each_other_without_gaps_or_repeats(api):
    for number in range(5):
        publish_model(name=f"Model {number}", seed=number)
    seen, cursor = [], {}
    while cursor is not None:
        page = api.get("models/", limit=2, **cursor)
        seen += [item["name"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert seen == [f"Model {number}" for number in (4, 3, 2, 1, 0)]
    assert api.get("models/", cursor="rubbish", status=400)["code"] == "invalid"


def test_list_and_model_take_the_same_number_of_queries_however_much_there_is(api):
    version = publish_model(seed=0)
    before = {path: _queries(api, path) for path in ("models/", f"models/{version.model_id}/")}
    publish_model(name="Other", seed=1)
    more = make_version(version.model, name="v2")
    for seed in (5, 6):
        add_clean_file(more, seed=seed, name=f"{seed}.safetensors", is_primary=False)
    publish.publish_version(actor=version.model.owner, version=more)
    assert {path: _queries(api, path) for path in before} == before


def test_a_hash_finds_its_file_by_any_kind_and_prefix(api):
    version = publish_model()
    file = version.files.get()
    hashes = {row.kind: row.value for row in file.hashes.all()}
    for value in (hashes["SHA256"].lower(), hashes["AutoV2"], hashes["AutoV3"], hashes["BLAKE3"]):
        [found] = api.get(f"files/by-hash/{value}/")["items"]
        assert (found["id"], found["model_type"]) == (file.pk, "LORA")
    assert api.get("files/by-hash/00000000/")["items"] == []
    assert api.get("files/by-hash/xyz/", status=400)["code"] == "hash_invalid"


def test_many_hashes_are_answered_at_once_and_strangers_learn_nothing_of_drafts(api, api_of):
    public = publish_model(seed=1).files.get().blob.sha256
    owner = UserFactory()
    draft = add_clean_file(make_version(make_model(owner=owner, name="Draft")), seed=2)
    body = {"hashes": [public, draft.blob.sha256.upper(), "0" * 64]}
    reader = api_of(UserFactory(), ["models:read"])
    assert set(reader.post("files/by-hash/", body, status=200)["found"]) == {public}
    found = api_of(owner).post("files/by-hash/", body, status=200)["found"]
    assert set(found) == {public, draft.blob.sha256.upper()}


def test_a_fresh_upload_is_found_by_its_sha256_before_anybody_looked_at_it(api_of, send):
    person = UserFactory()
    version = make_version(make_model(owner=person))
    upload = send(
        person, lora_bytes(seed=4), purpose=UploadPurpose.MODEL_FILE, name="x.safetensors"
    )
    files.add_file(actor=person, version=version, upload_id=upload.pk)
    [found] = api_of(person).get(f"files/by-hash/{upload.sha256}/")["items"]
    assert found["scan_status"] == "Pending"


def test_many_hashes_take_a_constant_number_of_queries(api_of):
    api = api_of(UserFactory())
    hashes = [publish_model(name=f"M{n}", seed=n).files.get().blob.sha256 for n in range(4)]
    counts = [
        _count(lambda wanted=wanted: api.post("files/by-hash/", {"hashes": wanted}, status=200))
        for wanted in (hashes[:1], hashes)
    ]
    assert counts[0] == counts[1]


def test_a_file_is_shown_by_id_with_the_address_of_its_bytes(api):
    file = publish_model().files.get()
    shown = api.get(f"files/{file.pk}/")
    assert shown["download_url"] == f"/api/download/models/{file.version_id}?fileId={file.pk}"
    assert api.raw(shown["download_url"]).status_code == 307
    api.get("files/999999/", status=404)


def _queries(api, path):
    return _count(lambda: api.get(path))


def _count(call):
    call()  # the first call may fill caches
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)
