"""Pictures find the models of this hub: by hash, then by name, and later when one is published."""

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.utils import timezone

from gallery.models import Image
from gallery.models.resource import Match, ResourceKind
from gallery.services.moderation import (
    delete_image,
    hide_image,
    set_post_visibility,
    show_image,
)
from gallery.services.process import process_image
from gallery.services.references import references_of, usable_hash
from gallery.services.resources import link_version
from hub.core.tasks import TaskName
from hub.core.visibility import Visibility
from hub.formats.generation.a1111 import parse_infotext
from models_registry.models.file_hash import HashKind, ModelFileHash
from models_registry.models.model import Model
from models_registry.services import publish
from models_registry.signals import version_published
from tests.factories.accounts import UserFactory
from tests.factories.gallery import make_image, make_post, png_bytes
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def picture_with(prompt: str, details: str = "") -> bytes:
    text = f"{prompt}\nSteps: 20, Sampler: Euler a, Seed: 1{details}"
    return png_bytes(texts={"parameters": text})


def hash_of(version, kind: str) -> str:
    return ModelFileHash.objects.get(file__version=version, kind=kind).value


def lora(image: Image):
    return image.resources.get(kind=ResourceKind.LORA)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (HashKind.SHA256, 64),
        (HashKind.SHA256, 12),
        (HashKind.SHA256, 8),
        (HashKind.AUTOV2, 10),
        (HashKind.AUTOV3, 12),
        (HashKind.AUTOV3, 8),
    ],
)
def test_a_lora_is_found_by_its_hash_of_any_kind_and_length(kind: str, length: int) -> None:
    version = publish_model()
    digest = hash_of(version, kind)[:length].lower()
    image = make_image(
        data=picture_with("<lora:other name:0.7>", f', Lora hashes: "other name: {digest}"')
    )
    found = lora(image)
    assert (found.version, found.match, found.weight) == (version, Match.HASH, Decimal("0.7"))
    assert found.detected


@pytest.mark.django_db
def test_a_lora_without_hash_is_found_by_its_file_name() -> None:
    version = publish_model(name="Ink Wash")
    found = lora(make_image(data=picture_with("a hill, <lora:INK-wash:0.55>")))
    assert (found.version, found.match) == (version, Match.NAME)


@pytest.mark.django_db
def test_a_name_that_several_models_have_is_reported_and_not_guessed() -> None:
    for seed in (1, 2):
        model = make_model(name=f"Model {seed}")
        version = make_version(model)
        add_clean_file(version, seed=seed, name="same.safetensors")
        publish.publish_version(actor=model.owner, version=version)
    found = lora(make_image(data=picture_with("<lora:same:1>")))
    assert (found.version, found.match) == (None, Match.AMBIGUOUS)


@pytest.mark.django_db
def test_the_version_that_a_post_names_decides_between_several() -> None:
    versions = []
    for seed in (1, 2):
        model = make_model(name=f"Model {seed}")
        version = make_version(model)
        add_clean_file(version, seed=seed, name="same.safetensors")
        publish.publish_version(actor=model.owner, version=version)
        versions.append(version)
    image = make_image(data=picture_with("<lora:same:1>"), model_version=versions[1])
    assert lora(image).version == versions[1]
    assert image.resources.count() == 1


@pytest.mark.django_db
def test_a_model_that_is_not_here_is_kept_with_name_and_hash() -> None:
    image = make_image(
        data=picture_with("<lora:elsewhere:0.4>", ', Lora hashes: "elsewhere: ABCDEF012345"')
    )
    found = lora(image)
    assert (found.name, found.hash, found.version) == ("elsewhere", "ABCDEF012345", None)
    assert found.match == Match.NONE


@pytest.mark.django_db
def test_a_private_model_of_somebody_else_is_not_tied() -> None:
    version = publish_model(visibility=Visibility.PRIVATE)
    digest = hash_of(version, HashKind.AUTOV3)
    data = picture_with("<lora:x:1>", f', Lora hashes: "x: {digest}"')
    assert lora(make_image(data=data)).version is None
    assert lora(make_image(data=data, owner=version.model.owner)).version == version


@pytest.mark.django_db
def test_checkpoint_and_its_base_model_are_found() -> None:
    version = publish_model(name="Dream", type="Checkpoint", base_model="SD 1.5", weight=None)
    digest = hash_of(version, HashKind.AUTOV2)
    image = make_image(data=picture_with("a", f", Model hash: {digest.lower()}, Model: dream_v9"))
    found = image.resources.get(kind=ResourceKind.CHECKPOINT)
    assert (found.version, found.name) == (version, "dream_v9")
    assert image.base_model == version.base_model


@pytest.mark.django_db
def test_publishing_a_model_ties_the_pictures_that_waited_for_it() -> None:
    model = make_model()
    version = make_version(model)
    file = add_clean_file(version, name="late.safetensors")
    digest = ModelFileHash.objects.get(file=file, kind=HashKind.AUTOV3).value
    waiting = make_image(data=picture_with("<lora:z:1>", f', Lora hashes: "z: {digest}"'))
    named = make_image(data=picture_with("<lora:late:1>"))
    other = make_image(data=picture_with("<lora:third:1>"))
    publish.publish_version(actor=model.owner, version=version)
    assert link_version(version_id=version.pk) == 2
    assert lora(waiting).version == version
    assert lora(named).version == version
    assert lora(other).version is None
    assert link_version(version_id=version.pk) == 0


@pytest.mark.django_db
def test_the_published_fact_only_enqueues(django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        version_published.send(sender=None, version_id=41)
    assert [(sent.args, sent.keywords) for sent in callbacks] == [
        ((TaskName.GALLERY_LINK_VERSION.value,), {"kwargs": {"version_id": 41}})
    ]


@pytest.mark.django_db
def test_a_model_counts_each_picture_once_and_loses_deleted_ones() -> None:
    version = publish_model(name="Ink Wash")
    image = make_image(data=picture_with("<lora:ink-wash:1>"), model_version=version)
    process_image(image_id=image.pk, now=timezone.now())
    version.model.refresh_from_db()
    assert version.model.image_count == 1
    delete_image(actor=image.owner, image=image)
    version.model.refresh_from_db()
    assert version.model.image_count == 0


@pytest.mark.django_db
def test_a_model_counts_only_pictures_that_everyone_may_see(capsys) -> None:
    version = publish_model(name="Ink Wash")
    model, staff = version.model, UserFactory(is_staff=True)
    image = make_image(model_version=version, visibility=Visibility.PRIVATE)

    def count() -> int:
        model.refresh_from_db()
        return model.image_count

    assert count() == 0
    set_post_visibility(actor=image.owner, post=image.post, visibility=Visibility.PUBLIC)
    assert count() == 1
    image.refresh_from_db()
    for _twice in range(2):
        hide_image(actor=staff, image=image, now=timezone.now())
        assert count() == 0
    show_image(actor=staff, image=image)
    assert count() == 1
    Model.objects.filter(pk=model.pk).update(image_count=7)
    call_command("repair_image_counts")
    assert capsys.readouterr().out == "1 models checked, 1 repaired.\n"
    assert count() == 1
    set_post_visibility(actor=image.owner, post=image.post, visibility=Visibility.PRIVATE)
    assert count() == 0
    image.refresh_from_db()
    delete_image(actor=image.owner, image=image)
    assert count() == 0


@pytest.mark.django_db
def test_a_post_for_a_version_ties_it_before_the_picture_is_read() -> None:
    version = publish_model()
    post = make_post(owner=UserFactory(), pictures=[png_bytes()], model_version=version)
    row = post.images.get().resources.get()
    assert (row.version, row.match, row.detected) == (version, Match.GIVEN, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abcdef01", "ABCDEF01"),
        ("0xABCDEF0123", "ABCDEF0123"),
        ("abcdef0", ""),
        ("not a hash", ""),
        (EMPTY, ""),
        (EMPTY[:12], ""),
        (EMPTY[:10].upper(), ""),
        (None, ""),
    ],
)
def test_only_a_hash_that_can_name_a_file_counts(text: str | None, expected: str) -> None:
    assert usable_hash(text) == expected


def test_references_name_checkpoint_refiner_vae_and_networks() -> None:
    data = parse_infotext(
        "<lora:one:0.5> <hypernet:two:0.25>\nSteps: 2, Model hash: 0123456789, Model: base, "
        "VAE hash: 9876543210, VAE: v.pt, Refiner: sd_xl_refiner [7440042bbd], "
        'TI hashes: "bad-hands: aabbccddeeff"'
    )
    found = {(r.kind.value, r.name, r.hash, r.weight) for r in references_of(data)}
    assert found == {
        ("checkpoint", "base", "0123456789", None),
        ("checkpoint", "sd_xl_refiner", "7440042BBD", None),
        ("vae", "v.pt", "9876543210", None),
        ("lora", "one", "", 0.5),
        ("hypernetwork", "two", "", 0.25),
        ("embedding", "bad-hands", "AABBCCDDEEFF", None),
    }
