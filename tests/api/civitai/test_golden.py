"""The wire form, key by key: a change here breaks programs in the field."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import drafts, publish, recommendations
from models_registry.services.values import Example, Licence, Provenance, Usage, Weight
from tests.api.civitai.conftest import matches_golden
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, make_model
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db

INFOTEXT = (
    "inkwash, a lone pine <lora:ink-wash:0.8>\nNegative prompt: colour\n"
    "Steps: 28, Sampler: DPM++ 2M, CFG scale: 6, Seed: 7, Size: 512x768, "
    "Model hash: 0123456789, Model: base"
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
        trigger_words=["inkwash"],
        weight=Weight(Decimal("0.8"), Decimal("0.6"), Decimal("1.0")),
        description="First.",
        usage=Usage(clip_skip=2, sampler="DPM++ 2M", steps=28, cfg_scale=6, width=512, height=768),
        provenance=Provenance(
            job_uuid=UUID(int=7),
            snapshot_hash="ab" * 32,
            base_model_sha256="cd" * 32,
            engine_version="0.1.0",
        ),
    )
    add_clean_file(version, name="ink-wash.safetensors")
    drafts.add_cover(actor=mika, version=version, blob=picture_blob(), generation_text=INFOTEXT)
    recommendations.add_example_prompt(
        actor=mika, version=version, example=Example(prompt="inkwash, pine", negative="colour")
    )
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
    from hub.storage.pictures import picture_url

    file = version.files.get()
    origin = "http://testserver"
    return {
        "model_id": version.model_id,
        "version_id": version.pk,
        "file_id": file.pk,
        "image_id": cover.pk,
        "user_id": version.model.owner_id,
        "image_url": origin + picture_url(cover.blob, 450, public=True, name=str(cover.pk)),
        "version_url": f"{origin}/api/download/models/{version.pk}",
        "file_url": f"{origin}/api/download/models/{version.pk}?fileId={file.pk}",
        "air": f"urn:air:sd1:lora:atelier:{version.model_id}@{version.pk}",
        "air_of_file": f"urn:air:sd1:lora:atelier:{version.model_id}@{version.pk}+{file.pk}",
    }


def test_the_list(api, version):
    answer = api.get("models")
    assert matches_golden("models", answer, **values_of(version))


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
