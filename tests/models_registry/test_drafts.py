"""Drafts: the front door of the registry."""

from decimal import Decimal
from io import BytesIO
from uuid import uuid4

import pytest
from PIL import Image

from hub.core.errors import Invalid, NotAllowed
from hub.core.models import AuditEvent
from hub.core.visibility import Visibility
from hub.formats.picture_end import picture_length
from hub.storage.blobs import store_bytes
from models_registry.models.model import Model, Status
from models_registry.services import drafts, edits, recommendations
from models_registry.services.values import Example, Licence, Provenance, Resource, Weight, WordSet
from tests.factories.accounts import UserFactory, make_team
from tests.factories.phone_pictures import phone_jpegs
from tests.factories.registry import make_model, make_version, publish_model

pytestmark = pytest.mark.django_db


def picture_blob(colour: str = "red"):
    buffer = BytesIO()
    Image.new("RGB", (40, 60), colour).save(buffer, "PNG")
    return store_bytes(buffer.getvalue(), content_type="image/png")


def test_a_new_model_is_a_draft_of_its_owner_and_leaves_an_audit_row():
    owner = UserFactory()
    model = make_model(owner=owner, name="  Ink   Wash ", tags=["Style", "style", " ink "])
    assert (model.name, model.slug, model.status) == ("Ink Wash", "ink-wash", Status.DRAFT)
    assert list(model.tags.order_by("model_tags__position").values_list("name", flat=True)) == [
        "style",
        "ink",
    ]
    assert AuditEvent.objects.filter(action="model.create", actor=owner).count() == 1


def test_two_models_of_one_name_get_two_addresses():
    slugs = {make_model(name="Ink Wash").slug for _ in range(3)}
    assert slugs == {"ink-wash", "ink-wash-2", "ink-wash-3"}


def test_a_chinese_name_gets_an_address_too():
    assert make_model(name="水墨").slug.startswith("model-")


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_name_that_is_empty_or_too_long_is_refused(name):
    with pytest.raises(Invalid):
        make_model(name=name)
    assert not Model.objects.exists()


def test_only_members_add_models_to_a_team():
    team = make_team()
    with pytest.raises(NotAllowed):
        make_model(owner=UserFactory(), team=team)
    assert make_model(owner=team.created_by, team=team).team == team


def test_team_visibility_needs_a_team():
    with pytest.raises(Invalid):
        make_model(visibility=Visibility.TEAM)


def test_an_unknown_type_is_refused_with_what_is_allowed():
    with pytest.raises(Invalid, match="Checkpoint"):
        make_model(type="Sticker")


def test_versions_count_up_and_get_a_name():
    model = make_model()
    first, second = make_version(model), make_version(model, name="night")
    assert [(v.index, v.name) for v in (first, second)] == [(1, "v1"), (2, "night")]


def test_a_stranger_adds_no_version():
    model = make_model()
    with pytest.raises(NotAllowed):
        drafts.create_version(actor=UserFactory(), model=model)


def test_weights_come_as_a_number_or_as_a_band():
    model = make_model()
    assert make_version(model, weight=0.7).weight_default == Decimal("0.70")
    band = make_version(model, weight=Weight(Decimal("0.7"), Decimal("0.6"), Decimal("0.8")))
    band.refresh_from_db()
    assert (band.weight_min, band.weight_default, band.weight_max) == (
        Decimal("0.60"),
        Decimal("0.70"),
        Decimal("0.80"),
    )


@pytest.mark.parametrize(
    "weight", [Weight(Decimal(1), Decimal(2)), Weight(Decimal(1), None, Decimal("0.5")), 11]
)
def test_weights_out_of_order_or_range_are_refused(weight):
    with pytest.raises(Invalid):
        make_version(make_model(), weight=weight)


def test_trigger_words_are_kept_in_named_sets_and_in_order():
    version = make_version(
        make_model(),
        trigger_words=["yuki_ns", "yuki_ns", "red ribbon,", WordSet(("winter coat",), "winter")],
    )
    assert version.trained_words == ["yuki_ns", "red ribbon", "winter coat"]
    names = version.trigger_word_sets.order_by("position").values_list("name", flat=True)
    assert list(names) == ["", "winter"]
    drafts.set_trigger_words(actor=version.model.owner, version=version, words=["only"])
    assert version.trained_words == ["only"]


def test_provenance_is_kept_as_columns_and_the_config_as_a_document():
    base = publish_model(name="Base", type="Checkpoint")
    job, snapshot = uuid4(), uuid4()
    version = make_version(
        make_model(),
        provenance=Provenance(
            job_uuid=job,
            dataset_snapshot_uuid=snapshot,
            snapshot_hash="ab" * 32,
            base_version=base,
            base_model_sha256="cd" * 32,
            engine_version="0.1.0",
            training_config={"seed": 7},
            network_dim=8,
        ),
    )
    version.refresh_from_db()
    assert (version.job_uuid, version.dataset_snapshot_uuid) == (job, snapshot)
    assert version.training_config == {"seed": 7}
    assert list(base.derived_versions.all()) == [version]


def test_a_cover_keeps_its_size_and_comes_once():
    version = make_version(make_model())
    owner, blob = version.model.owner, picture_blob()
    cover = drafts.add_cover(
        actor=owner, version=version, blob=blob, generation_text="a cat\nSteps: 20"
    )
    again = drafts.add_cover(actor=owner, version=version, blob=blob)
    other = drafts.add_cover(actor=owner, version=version, blob=picture_blob("blue"))
    assert (cover.width, cover.height, cover.position) == (40, 60, 0)
    assert cover.average_colour == "#ff0000"
    assert again == cover
    assert other.position == 1


def test_a_cover_is_a_picture_and_nothing_else():
    version = make_version(make_model())
    whole = phone_jpegs()["a video"]
    sent = store_bytes(whole, content_type="image/jpeg")
    cover = drafts.add_cover(actor=version.model.owner, version=version, blob=sent)
    assert cover.blob.size_bytes == picture_length(BytesIO(whole)) < sent.size_bytes
    hiding = store_bytes(whole + b"#!/bin/sh", content_type="image/jpeg")
    with pytest.raises(Invalid, match="do not belong"):
        drafts.add_cover(actor=version.model.owner, version=version, blob=hiding)


def test_example_prompts_and_resources_line_up():
    version = make_version(make_model())
    owner = version.model.owner
    for text in ("first", "second"):
        recommendations.add_example_prompt(
            actor=owner, version=version, example=Example(prompt=text)
        )
    assert list(version.example_prompts.values_list("position", flat=True)) == [0, 1]
    base = publish_model(name="Base", type="Checkpoint")
    resource = recommendations.add_resource(
        actor=owner, version=version, resource=Resource(kind="checkpoint", version=base)
    )
    assert resource.name == "Base v1"


def test_a_version_that_one_may_not_see_cannot_be_recommended():
    hidden = make_version(make_model(name="Hidden"))
    version = make_version(make_model())
    with pytest.raises(Invalid):
        recommendations.add_resource(
            actor=version.model.owner,
            version=version,
            resource=Resource(kind="lora", version=hidden),
        )


def test_edits_change_what_is_named_and_leave_the_rest():
    version = make_version(make_model(description="old"))
    owner, model = version.model.owner, version.model
    edits.update_model(
        actor=owner, model=model, name="New name", licence=Licence(commercial_use=())
    )
    model.refresh_from_db()
    assert (model.name, model.slug, model.description) == ("New name", "ink-wash", "old")
    assert model.allow_commercial_use == []
    edits.update_version(actor=owner, version=version, base_model="sdxl 1.0", weight=0.5)
    version.refresh_from_db()
    assert version.base_model.name == "SDXL 1.0"
    with pytest.raises(NotAllowed):
        edits.update_model(actor=UserFactory(), model=model, name="Mine")


def test_text_beyond_the_limit_is_refused_and_text_at_the_limit_kept(settings):
    settings.MODEL_TEXT_MAX_CHARACTERS = 10
    assert make_model(description="x" * 10).description == "x" * 10
    with pytest.raises(Invalid):
        make_model(description="x" * 11)
