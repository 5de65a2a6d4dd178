"""Deleting is for drafts; what was public stays on record."""

import pytest

from hub.core.errors import Conflict, NotAllowed
from hub.core.models import AuditEvent
from models_registry.models.cover import VersionCover
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.services import covers, drafts, publish, recommendations, removal
from models_registry.services.values import Example
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db


def test_a_draft_model_goes_with_its_versions_and_leaves_an_audit_row():
    version = make_version(make_model())
    add_clean_file(version)
    removal.delete_draft_model(actor=version.model.owner, model=version.model)
    assert not Model.objects.exists()
    assert not ModelVersion.objects.exists()
    assert AuditEvent.objects.get(action="model.delete").detail == {"name": "Ink Wash"}


def test_what_was_public_once_is_never_deleted():
    version = publish_model()
    owner = version.model.owner
    publish.unpublish_version(actor=owner, version=version)
    with pytest.raises(Conflict):
        removal.delete_draft_model(actor=owner, model=version.model)
    with pytest.raises(Conflict):
        removal.delete_draft_version(actor=owner, version=version)
    assert ModelVersion.objects.filter(pk=version.pk).exists()


def test_a_draft_version_goes_and_its_words_are_no_longer_found():
    first = publish_model()
    draft = make_version(first.model, trigger_words=["unheard_of"])
    removal.delete_draft_version(actor=first.model.owner, version=draft)
    assert "unheard_of" not in Model.objects.get(pk=first.model_id).search_words


def test_strangers_delete_nothing():
    version = make_version(make_model())
    cover = drafts.add_cover(actor=version.model.owner, version=version, blob=picture_blob())
    stranger = UserFactory()
    for call in (
        lambda: removal.delete_draft_model(actor=stranger, model=version.model),
        lambda: removal.delete_draft_version(actor=stranger, version=version),
        lambda: covers.remove_cover(actor=stranger, version=version, cover_id=cover.pk),
    ):
        with pytest.raises(NotAllowed):
            call()
    assert VersionCover.objects.filter(pk=cover.pk).exists()


def test_an_example_outlives_its_picture():
    version = make_version(make_model())
    owner = version.model.owner
    cover = drafts.add_cover(actor=owner, version=version, blob=picture_blob())
    example = recommendations.add_example_prompt(
        actor=owner, version=version, example=Example(prompt="a cat"), cover=cover
    )
    covers.remove_cover(actor=owner, version=version, cover_id=cover.pk)
    example.refresh_from_db()
    assert example.cover is None
