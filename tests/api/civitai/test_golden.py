"""The wire form, key by key: a change here breaks programs in the field."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from hub.api.civitai.picture_ids import image_id_of_cover
from hub.storage.pictures import picture_url
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import drafts, publish, recommendations
from models_registry.services.values import (
    Example,
    Licence,
    Provenance,
    Resource,
    Usage,
    Weight,
    WordSet,
)
from tests.api.civitai.conftest import matches_golden
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, make_model, publish_model
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db

INFOTEXT = (
    "inkwash, a lone pine <lora:ink-wash:0.8>\nNegative prompt: colour\n"
    "Steps: 28, Sampler: DPM++ 2M, CFG scale: 6, Seed: 7, Size: 512x768, "
    "Model hash: 0123456789, Model: base"
)
USAGE = Usage(
    clip_skip=2,
    sampler="DPM++ 2M",
    steps=28,
    cfg_scale=6,
    cfg_min=4,
    cfg_max=9,
    cfg_note="Lower is softer.",
    width=512,
    height=768,
    prompt_advice="Subject first.",
    negative_advice="Keep it short.",
)
EXAMPLE = Example(
    prompt="inkwash, pine",
    negative="colour",
    note="Works at night too.",
    sampler="Euler a",
    steps=24,
    cfg_scale=5.5,
    weight=0.7,
    seed=2**53,
    clip_skip=1,
    width=512,
    height=640,
)
CREATED = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


@pytest.fixture
def version() -> ModelVersion:
    """A model with everything that the wire form can show."""
    mika = UserFactory(username="mika")
    model = make_model(
        owner=mika,
        name="Ink Wash",
        tags=["style", "ink"],
        description="Soft *ink*.",
        licence=Licence(allow_different_license=False, commercial_use=("Image", "Rent")),
    )
    version = drafts.create_version(
        actor=mika,
        model=model,
        base_model="SD 1.5",
        trigger_words=[WordSet(("inkwash",)), WordSet(("ink snow", "winter"), name="Snow")],
        weight=Weight(Decimal("0.8"), Decimal("0.6"), Decimal("1.0")),
        description="First.",
        usage=USAGE,
        provenance=Provenance(
            job_uuid=UUID(int=7),
            snapshot_hash="ab" * 32,
            base_version=publish_model(owner=mika, name="Paper", type="Checkpoint", seed=9),
            base_model_sha256="cd" * 32,
            engine_version="0.1.0",
        ),
    )
    add_clean_file(version, name="ink-wash.safetensors")
    cover = drafts.add_cover(
        actor=mika, version=version, blob=picture_blob(), generation_text=INFOTEXT
    )
    recommendations.add_example_prompt(actor=mika, version=version, example=EXAMPLE, cover=cover)
    for resource in (
        Resource(kind="checkpoint", version=version.base_version),
        Resource(kind="negative_embedding", name="EasyNegative", weight=Decimal("0.9")),
    ):
        recommendations.add_resource(actor=mika, version=version, resource=resource)
    publish.publish_version(actor=mika, version=version)
    Model.objects.filter(pk=model.pk).update(
        thumbs_up_count=2, download_count=5, comment_count=1, rating_sum=9, rating_count=2
    )
    ModelVersion.objects.filter(pk=version.pk).update(
        download_count=5, published_at=CREATED, created_at=CREATED, updated_at=CREATED
    )
    ModelFile.objects.filter(version=version).update(scanned_at=CREATED)
    version.refresh_from_db()
    return version


def values_of(version: ModelVersion) -> dict[str, object]:
    cover = VersionCover.objects.get(version=version)
    file = version.files.get()
    origin = "http://testserver"
    return {
        "model_id": version.model_id,
        "version_id": version.pk,
        "file_id": file.pk,
        "image_id": image_id_of_cover(cover.pk),
        "base_model_id": version.base_version.model_id,
        "base_version_id": version.base_version_id,
        "user_id": version.model.owner_id,
        "image_url": origin
        + picture_url(cover.blob, 450, public=True, name=str(image_id_of_cover(cover.pk))),
        "version_url": f"{origin}/api/download/models/{version.pk}",
        "file_url": f"{origin}/api/download/models/{version.pk}",
        "air": f"urn:air:sd1:lora:atelier:{version.model_id}@{version.pk}",
        "air_of_file": f"urn:air:sd1:lora:atelier:{version.model_id}@{version.pk}+{file.pk}",
    }


def test_the_list(api, version):
    answer = api.get("models", types="LORA")
    assert matches_golden("models", answer, **values_of(version))


def test_the_text_of_the_list_is_spelled_as_ever(client, version):
    text = client.get("/api/v1/models").content
    assert text == json.dumps(json.loads(text)).encode()


def test_one_model(api, version):
    answer = api.get(f"models/{version.model_id}")
    assert matches_golden("model", answer, **values_of(version))


def test_one_version_by_id_and_by_hash(api, version):
    values = values_of(version)
    assert matches_golden("model-version", api.get(f"model-versions/{version.pk}"), **values)
    sha256 = version.files.get().blob.sha256
    by_hash = api.get(f"model-versions/by-hash/{sha256}")
    assert matches_golden("model-version", by_hash, **values)
    assert api.post("model-versions/by-hash", [sha256]) == [by_hash]


def test_the_short_form(api, version):
    answer = api.get(f"model-versions/mini/{version.pk}")
    assert matches_golden("mini", answer, **values_of(version))


def test_a_picture_of_a_version_by_the_id_that_its_address_ends_in(api, version):
    values = values_of(version)
    shown = api.get(f"model-versions/{version.pk}")["images"][0]
    image_id = int(shown["url"].rpartition("/")[2].partition(".")[0])
    answer = api.get("images", imageId=image_id, withMeta="true", nsfw="X")
    cover = VersionCover.objects.get(version=version)
    values["image_url"] = "http://testserver" + picture_url(
        cover.blob, public=True, name=str(image_id)
    )
    assert matches_golden("image-of-version", answer, **values)
