"""Publishing, taking back, archiving; what is missing is listed."""

import pytest
from django.db import IntegrityError, transaction

from hub.core.errors import Conflict, NotAllowed
from hub.core.models import AuditEvent
from models_registry.errors import NotReady
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.model import Model, Status
from models_registry.models.version import ModelVersion
from models_registry.services import drafts, publish
from models_registry.signals import version_published
from tests.factories.accounts import UserFactory
from tests.factories.registry import add_clean_file, make_model, make_version, publish_model

pytestmark = pytest.mark.django_db


def codes(version) -> list[str]:
    return [item.code for item in publish.missing_for_publish(version)]


def test_what_is_missing_is_listed_until_nothing_is():
    model = make_model()
    version = drafts.create_version(actor=model.owner, model=model)
    assert codes(version) == ["base_model", "file"]
    with pytest.raises(NotReady) as refused:
        publish.publish_version(actor=model.owner, version=version)
    assert refused.value.missing == ("base_model", "file")
    add_clean_file(version)
    version.refresh_from_db()
    assert codes(version) == []
    assert [item.code for item in publish.advice_for_publish(version)] == ["cover", "description"]


def test_a_file_of_another_type_is_pointed_out_but_not_refused():
    version = make_version(make_model(type="Checkpoint", description="Good."))
    add_clean_file(version)
    advice = {item.code: item.message for item in publish.advice_for_publish(version)}
    assert "LoRA" in advice["type_differs"]
    assert codes(version) == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ScanStatus.PENDING, "file_pending"),
        (ScanStatus.DANGER, "file_danger"),
        (ScanStatus.ERROR, "file_error"),
    ],
)
def test_a_file_that_is_not_cleared_keeps_a_version_back(status, code):
    version = make_version(make_model())
    add_clean_file(version)
    ModelFile.objects.filter(version=version).update(scan_status=status)
    assert codes(version) == [code]
    with pytest.raises(NotReady):
        publish.publish_version(actor=version.model.owner, version=version)
    version.refresh_from_db()
    assert version.status == Status.DRAFT


def test_publishing_shows_model_and_version_and_tells_others_once(
    django_capture_on_commit_callbacks,
):
    heard = []

    def listen(version_id, **_):
        heard.append(version_id)

    version_published.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=False) as callbacks:
            version = publish_model()
            publish.publish_version(actor=version.model.owner, version=version)
        for callback in callbacks:
            if "version_id" in getattr(callback, "keywords", {}):
                callback()
    finally:
        version_published.disconnect(listen)
    assert heard == [version.pk]
    assert (version.status, version.model.status) == (Status.PUBLISHED, Status.PUBLISHED)
    assert version.model.latest_version == version
    assert version.model.last_version_at == version.published_at
    assert AuditEvent.objects.filter(action="version.publish").count() == 1


def test_a_second_version_becomes_the_newest_and_keeps_the_first_date():
    first = publish_model()
    second = make_version(first.model, name="v2")
    add_clean_file(second, seed=2)
    publish.publish_version(actor=first.model.owner, version=second)
    model = Model.objects.get(pk=first.model_id)
    assert model.latest_version == second
    assert model.published_at == first.model.published_at
    assert model.last_version_at > model.published_at


def test_taking_the_only_version_back_takes_the_model_back_and_it_can_return():
    version = publish_model()
    owner = version.model.owner
    since = version.published_at
    publish.unpublish_version(actor=owner, version=version)
    model = Model.objects.get(pk=version.model_id)
    assert (version.status, model.status) == (Status.UNPUBLISHED, Status.UNPUBLISHED)
    with pytest.raises(Conflict):
        publish.unpublish_version(actor=owner, version=version)
    publish.publish_version(actor=owner, version=version)
    model.refresh_from_db()
    assert (version.status, model.status) == (Status.PUBLISHED, Status.PUBLISHED)
    assert version.published_at == since


def test_archiving_and_restoring():
    version = publish_model()
    model, owner = version.model, version.model.owner
    publish.archive_model(actor=owner, model=model)
    version.refresh_from_db()
    assert (model.status, version.status) == (Status.ARCHIVED, Status.ARCHIVED)
    with pytest.raises(Conflict):
        publish.archive_model(actor=owner, model=model)
    publish.restore_model(actor=owner, model=model)
    version.refresh_from_db()
    assert (model.status, version.status) == (Status.PUBLISHED, Status.PUBLISHED)


@pytest.mark.parametrize("action", ["publish", "unpublish", "archive"])
def test_strangers_change_nothing(action):
    version = publish_model()
    stranger = UserFactory()
    service, target = {
        "publish": (publish.publish_version, {"version": version}),
        "unpublish": (publish.unpublish_version, {"version": version}),
        "archive": (publish.archive_model, {"model": version.model}),
    }[action]
    with pytest.raises(NotAllowed):
        service(actor=stranger, **target)


def test_the_database_itself_refuses_a_published_version_without_base_or_date():
    version = make_version(make_model())
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(pk=version.pk).update(status=Status.PUBLISHED)
