"""What newer clients ask for: permissions, tensors, collections, linked VAEs, more filters."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hub.api.civitai.picture_ids import image_id_of_cover
from hub.core.visibility import Visibility
from models_registry.models.file import FileKind, ModelFile, ScanStatus
from models_registry.models.model import Model
from models_registry.models.tag import Tag
from models_registry.models.version import ModelVersion
from models_registry.services import collections, drafts, publish, recommendations
from models_registry.services.engagement import set_engagement
from models_registry.services.values import Licence, Resource
from tests.api.civitai.conftest import key_of, matches_golden
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db


def names(answer) -> list[str]:
    return sorted(item["name"] for item in answer["items"])


def test_permissions_say_what_a_key_may_download_and_tell_nothing_else(api, api_of):
    open_one = publish_model(name="A", seed=1)
    hidden = publish_model(name="B", seed=2, visibility=Visibility.PRIVATE)
    early = publish_model(name="C", seed=3)
    ModelVersion.objects.filter(pk=early.pk).update(
        early_access_until=timezone.now() + timedelta(days=1)
    )
    unchecked = publish_model(name="D", seed=4)
    ModelFile.objects.filter(version=unchecked).update(scan_status=ScanStatus.PENDING)
    asked = ",".join(str(pk) for pk in (open_one.pk, hidden.pk, early.pk, unchecked.pk, 99_999))
    assert api.get("permissions/check", entityIds=asked) == {
        str(open_one.pk): True,
        str(hidden.pk): False,
        str(early.pk): False,
        str(unchecked.pk): False,
        "99999": False,
    }
    mine = api_of(hidden.model.owner).get("permissions/check", entityIds=asked)
    assert mine[str(hidden.pk)] is True


def test_tensors_of_a_file_are_listed_and_summed_up(api, api_of):
    version = publish_model()
    file = version.files.get()
    answer = api.get(f"model-files/{file.pk}/tensor-metadata")
    assert matches_golden("tensors", answer, file_id=file.pk, version_id=version.pk)
    short = api.get(f"model-files/{file.pk}/tensor-metadata", summaryOnly="true")
    assert short == {key: value for key, value in answer.items() if key != "tensors"}
    kept = api.raw(f"/api/v1/model-files/{file.pk}/tensor-metadata")
    assert kept["Cache-Control"] == "public, max-age=31536000, immutable"
    ModelFile.objects.filter(pk=file.pk).update(scan_status=ScanStatus.PENDING)
    api.get(f"model-files/{file.pk}/tensor-metadata", status=404)
    api_of(version.model.owner).get(f"model-files/{file.pk}/tensor-metadata")


def test_tensors_of_a_draft_are_for_its_people(api, api_of):
    draft = make_version(make_model())
    file = add_clean_file(draft)
    api.get(f"model-files/{file.pk}/tensor-metadata", status=404)
    api_of(draft.model.owner).get(f"model-files/{file.pk}/tensor-metadata")


def test_collections_are_listed_by_cursor_and_their_models_as_models(api, api_of):
    mika = UserFactory(username="mika")
    seen, hidden = (
        publish_model(name="Seen", seed=1),
        publish_model(name="Hidden", seed=2, owner=mika, visibility=Visibility.PRIVATE),
    )
    shown = collections.create_collection(actor=mika, name="Inks", visibility=Visibility.PUBLIC)
    for version in (seen, hidden):
        collections.collect_model(actor=mika, collection=shown, model=version.model)
    secret = collections.create_collection(actor=mika, name="Secret")
    first = api.get("collections", limit=1)
    assert [(row["name"], row["itemCount"]) for row in first["items"]] == [("Inks", 1)]
    assert "nextCursor" not in first["metadata"]
    assert api.get(f"collections/{shown.pk}")["models"] == (
        f"http://testserver/api/v1/models?collectionId={shown.pk}"
    )
    assert names(api.get("models", collectionId=shown.pk)) == ["Seen"]
    api.get(f"collections/{secret.pk}", status=404)
    api.get("models", collectionId=secret.pk, status=404)
    mine = api_of(mika)
    assert names(mine.get("models", collectionId=shown.pk)) == ["Hidden", "Seen"]
    page = mine.get("collections", limit=1)
    rest = mine.get("collections", limit=1, cursor=page["metadata"]["nextCursor"])
    assert {page["items"][0]["name"], rest["items"][0]["name"]} == {"Inks", "Secret"}
    assert "nextPage" not in rest["metadata"]
    assert names(mine.get("collections", query="SEC")) == ["Secret"]


def test_the_vae_that_goes_with_a_version_is_among_its_files(api, api_of):
    owner = UserFactory()
    vae = publish_model(name="Soft VAE", type="VAE", seed=5, owner=owner)
    secret = publish_model(
        name="Secret VAE", type="VAE", seed=6, owner=owner, visibility=Visibility.PRIVATE
    )
    version = publish_model(seed=1, owner=owner)
    for linked in (vae, secret):
        recommendations.add_resource(
            actor=owner, version=version, resource=Resource("vae", version=linked)
        )
    own, *others = api.get(f"model-versions/{version.pk}")["files"]
    assert own["primary"] is True
    [other] = others
    assert (other["id"], other["type"], other["primary"]) == (vae.files.get().pk, "VAE", False)
    assert other["downloadUrl"].endswith(f"/api/download/models/{vae.pk}")
    assert len(api_of(owner).get(f"model-versions/{version.pk}")["files"]) == 3
    [item] = api.get("models", ids=version.model_id)["items"]
    assert len(item["modelVersions"][0]["files"]) == 1


def test_the_old_address_of_training_data_gives_the_shared_pictures(api):
    version = publish_model()
    assert api.raw(f"/api/download/training-data/{version.pk}").status_code == 404
    shared = add_clean_file(version, seed=8, name="pictures.bin", is_primary=False)
    ModelFile.objects.filter(pk=shared.pk).update(kind=FileKind.TRAINING_DATA)
    redirect = api.raw(f"/api/download/training-data/{version.pk}")
    assert redirect.status_code == 307
    assert redirect["Location"].endswith("/Ink_Wash_v1_trainingData.zip")
    assert api.raw("/api/download/training-data/x").status_code == 400


def test_more_filters_narrow_the_list(api, api_of):
    early = publish_model(name="Early", seed=1)
    ModelVersion.objects.filter(pk=early.pk).update(
        early_access_until=timezone.now() + timedelta(days=1)
    )
    old = publish_model(name="Old", seed=2)
    publish.archive_model(actor=old.model.owner, model=old.model)
    free = publish_model(name="Free", seed=3, licence=Licence(commercial_use=()))
    Model.objects.filter(pk=free.model_id).update(is_trained_here=True)
    drafts.set_tags(actor=old.model.owner, model=old.model, tags=["ink"])
    ink = Tag.objects.get(name="ink").pk
    listing = {
        (): ["Early", "Free", "Old"],
        ("earlyAccess", "true"): ["Early"],
        ("availability", "EarlyAccess"): ["Early"],
        ("availability", "Public"): ["Early", "Free", "Old"],
        ("availability", "Private"): [],
        ("availability", "Unsearchable"): [],
        ("archived", "true"): ["Old"],
        ("archived", "false"): ["Early", "Free"],
        ("fromPlatform", "true"): ["Free"],
        ("supportsGeneration", "true"): [],
        ("supportsGeneration", "false"): ["Early", "Free", "Old"],
        ("isFeatured", "true"): [],
        ("allowCommercialUse", "None"): ["Free"],
        ("allowCommercialUse", "Sell"): ["Early", "Old"],
        ("allowCommercialUse", "None,Sell"): ["Early", "Free", "Old"],
        ("excludedModelIds", str(early.model_id)): ["Free", "Old"],
        ("excludedUserIds", str(old.model.owner_id)): ["Early", "Free"],
        ("excludedTagIds", f"{ink},{ink + 1}"): ["Early", "Free"],
        ("periodMode", "stats"): ["Early", "Free", "Old"],
    }
    for parameter, wanted in listing.items():
        query = {parameter[0]: parameter[1]} if parameter else {}
        assert names(api.get("models", **query)) == wanted, parameter
    reader = UserFactory()
    set_engagement(actor=reader, model=free.model, kind="follow", is_on=True)
    assert names(api_of(reader).get("models", followed="true")) == ["Free"]
    assert names(api.get("models", followed="true")) == []


def test_pictures_do_not_tell_of_a_model_that_is_not_for_the_caller(api, api_of):
    secret = publish_model(visibility=Visibility.PRIVATE)
    image = make_image(model_version=secret, owner=secret.model.owner)
    for query in ({"modelId": secret.model_id}, {"modelVersionId": secret.pk}):
        assert api.get("images", **query)["items"] == []
        [mine] = api_of(secret.model.owner).get("images", **query)["items"]
        assert mine["id"] == image.pk
    [shown] = api.get("images")["items"]
    assert shown["modelVersionIds"] == []
    assert shown["url"].endswith(f"/{image.pk}.png")


def test_a_key_in_the_query_is_never_in_a_link_of_the_answer(api):
    for number in range(3):
        publish_model(name=f"M{number}", seed=number)
        make_image()
    key = key_of(UserFactory())
    for path in ("models", "images", "creators", "tags", "collections"):
        answer = api.raw(f"/api/v1/{path}?limit=1&token={key}")
        assert answer.status_code == 200
        assert key not in answer.content.decode()


def test_what_goes_with_a_version_is_named_only_to_those_who_may_know_of_it(api, api_of):
    mika = UserFactory(username="mika")
    secret = publish_model(
        name="Secret base", owner=mika, seed=7, type="Checkpoint", visibility=Visibility.PRIVATE
    )
    shown = publish_model(name="Shown", owner=mika, seed=8)
    resource = Resource(kind="checkpoint", version=secret)
    recommendations.add_resource(actor=mika, version=shown, resource=resource)
    ModelVersion.objects.filter(pk=shown.pk).update(base_version=secret)
    for path in ("models", f"models/{shown.model_id}", f"model-versions/{shown.pk}"):
        assert "Secret" not in str(api.get(path))
        assert f"'modelVersionId': {secret.pk}" not in str(api.get(path))
    [own] = [row for row in api_of(mika).get("models")["items"] if row["name"] == "Shown"]
    version = own["modelVersions"][0]
    assert version["recommendedResources"][0]["modelVersionId"] == secret.pk
    assert version["provenance"]["baseModelVersionId"] == secret.pk


def test_a_picture_of_a_version_is_found_by_its_id_by_whoever_sees_the_version(api, api_of):
    version = make_version(make_model())
    cover = drafts.add_cover(actor=version.model.owner, version=version, blob=picture_blob())
    found = {"imageId": image_id_of_cover(cover.pk)}
    add_clean_file(version)
    assert api.get("images", **found)["items"] == []  # a draft
    publish.publish_version(actor=version.model.owner, version=version)
    assert [row["id"] for row in api.get("images", **found)["items"]] == [found["imageId"]]
    assert api.get("images", **found, modelId=version.model_id)["items"]
    assert api.get("images", **found, modelId=version.model_id + 1)["items"] == []
    assert api.get("images", **found, nsfw="true")["items"] == []  # only what is rated R and above
    Model.objects.filter(pk=version.model_id).update(visibility=Visibility.PRIVATE)
    assert api.get("images", **found)["items"] == []
    assert api_of(version.model.owner).get("images", **found)["items"]


def test_a_picture_of_the_gallery_keeps_its_own_number(api):
    image = make_image()
    assert [row["id"] for row in api.get("images", imageId=image.pk)["items"]] == [image.pk]


def test_there_are_no_articles_and_the_list_says_so(api):
    assert api.get("articles", limit=10) == {"items": [], "metadata": {}}
    api.get("articles/1", status=404)


@pytest.mark.parametrize(
    ("wish", "status"),
    [("Q4_K", 307), ("q4_k_m", 307), ("Q4_K_XL", 307), ("Q4_0", 404), ("Q4_K_Z", 404), ("Q4", 404)],
)
def test_a_mix_of_packings_finds_the_file_that_is_mostly_packed_so(api, wish, status):
    version = publish_model()
    ModelFile.objects.filter(version=version).update(scan_report={"quant_type": "Q4_K"})
    answer = api.raw(f"/api/download/models/{version.pk}?quantType={wish}")
    assert answer.status_code == status
