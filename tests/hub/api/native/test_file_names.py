"""`/files/by-name/`: what a picture calls a file, where it names no hash."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.core.visibility import Visibility
from models_registry.models.file import FileKind, ModelFile, ScanStatus
from models_registry.models.model import Model
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model

pytestmark = pytest.mark.django_db
PLACE = "files/by-name/"


def published(seed):
    """A version whose file is called as others are."""
    version = publish_model(name=f"Ink {seed}", seed=seed)
    version.files.update(name="ink-wash.safetensors")
    return version


def found(api, name, **query):
    return [row["id"] for row in api.get(PLACE, name=name, **query)["items"]]


@pytest.mark.parametrize(
    "name", ["ink-wash.safetensors", "INK-Wash", "styles\\ink-wash.sft", "a/b/ink-wash.ckpt"]
)
def test_a_file_is_found_by_its_name_in_any_case_folder_and_suffix(api, name):
    file = publish_model(name="Ink Wash").files.get()
    publish_model(name="Ink Wash Two", seed=2)
    assert found(api, name) == [file.pk]
    assert found(api, "ink-was") == []


def test_a_file_is_found_by_the_name_that_a_download_gives_it(api):
    version = publish_model(name="Ink & Wash: Night!", type="Checkpoint", trigger_words=())
    file = version.files.get()
    name = api.get(f"files/{file.pk}/")["file_name"]
    assert name == "Ink__Wash_Night_v1.safetensors"
    assert found(api, name) == found(api, name.lower()) == [file.pk]
    ModelFile.objects.filter(pk=file.pk).update(override_name="night.safetensors")
    assert found(api, name) == []
    assert found(api, "Night") == [file.pk]
    embedding = publish_model(
        name="Bad Hands", type="TextualInversion", seed=3, trigger_words=["no_hands"]
    ).files.get()
    assert found(api, "no_hands.pt") == [embedding.pk]


def test_a_file_is_found_by_the_name_in_its_header_but_not_the_earlier_ones_of_a_run(api):
    file, early = (
        publish_model(name=name, seed=seed).files.get() for seed, name in enumerate("ab")
    )
    header = {"ss_output_name": "sumi"}
    ModelFile.objects.filter(pk=file.pk).update(header=header, name="b.safetensors")
    ModelFile.objects.filter(pk=early.pk).update(header=header, name="sumi-000004.safetensors")
    assert found(api, "sumi.safetensors") == [file.pk]
    assert found(api, "sumi-000004") == [early.pk]


def test_a_type_narrows_and_a_vae_may_go_with_another_model(api):
    lora = publish_model(name="Ink Wash").files.get()
    base = publish_model(name="Base", type="Checkpoint", seed=2, trigger_words=())
    vae = add_clean_file(base, seed=3, name="ink-wash.safetensors", is_primary=False)
    ModelFile.objects.filter(pk=vae.pk).update(kind=FileKind.VAE)
    assert sorted(found(api, "ink-wash")) == sorted([lora.pk, vae.pk])
    assert found(api, "ink-wash", type=["LORA", "LoCon"]) == [lora.pk]
    assert found(api, "ink-wash", type="VAE") == [vae.pk]
    assert api.get(PLACE, name="ink-wash", type="Sandwich", status=400)["fields"]["type"]


def test_several_contents_of_one_name_are_no_answer_and_one_under_two_names_is(api):
    first = published(1)
    published(1)
    answer = api.get(PLACE, name="ink-wash")
    assert (len(answer["items"]), answer["is_ambiguous"]) == (2, False)
    published(2)
    answer = api.get(PLACE, name="ink-wash")
    assert (len(answer["items"]), answer["is_ambiguous"]) == (3, True)
    assert answer["items"][0]["version_id"] == first.pk


def test_a_name_of_nothing_is_refused(api):
    for name in ("", " ", "styles/"):
        assert api.get(PLACE, name=name, status=400)["error"]
    assert found(api, "%") == found(api, "😀" * 300) == []
    assert api.get(PLACE, name="a\0b", status=400)["error"]


@pytest.mark.parametrize("keep", ["private", "unlisted", "draft", "pending", "danger"])
def test_what_is_kept_from_somebody_is_not_found_by_its_name(api, api_of, keep):
    owner = UserFactory()
    if keep == "draft":
        add_clean_file(make_version(make_model(owner=owner)), name="ink-wash.safetensors")
    else:
        version = publish_model(name="Ink Wash", owner=owner)
        states = {"pending": ScanStatus.PENDING, "danger": ScanStatus.DANGER}
        if keep in states:
            version.files.update(scan_status=states[keep])
        else:
            kinds = {"private": Visibility.PRIVATE, "unlisted": "unlisted"}
            Model.objects.filter(pk=version.model_id).update(visibility=kinds[keep])
    for client in (api, api_of(UserFactory())):
        assert found(client, "ink-wash") == []
    assert len(found(api_of(owner), "ink-wash")) == int(keep in ("private", "unlisted", "draft"))


def test_names_take_the_same_queries_however_many_there_are(api):
    counts = []
    for seed in range(3):
        published(seed)
        with CaptureQueriesContext(connection) as queries:
            assert len(found(api, "ink-wash")) == seed + 1
        counts.append(len(queries))
    assert counts[1] == counts[2]
