"""Models that were printed before: the answer is what it would be without them, for everyone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hub.api.civitai import kept_items
from hub.core.kept_texts import KeptPrints
from models_registry.models.cover import VersionCover
from models_registry.models.model import Model
from models_registry.models.recommendation import ExamplePrompt, RecommendedResource
from models_registry.models.stamp import ModelStamp
from models_registry.models.tag import ModelTag, Tag
from models_registry.models.version import ModelVersion
from models_registry.models.words import TriggerWord, TriggerWordSet
from models_registry.services import drafts, recommendations
from models_registry.services.values import Example, Resource
from tests.api.civitai.conftest import Api
from tests.factories.accounts import UserFactory
from tests.factories.registry import publish_model
from tests.models_registry.test_drafts import picture_blob

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> KeptPrints:
    prints = KeptPrints(most_bytes=100_000)
    monkeypatch.setattr(kept_items, "_kept", prints)
    return prints


@pytest.fixture
def version() -> ModelVersion:
    """A version with a row of everything that an answer is made of."""
    other = publish_model(name="Paper", seed=2)
    version = publish_model(name="Ink Wash", tags=["ink"])
    owner = version.model.owner
    drafts.add_cover(actor=owner, version=version, blob=picture_blob())
    examples = [(Example(prompt="inkwash, pine"), None)]
    recommendations.set_examples(actor=owner, version=version, examples=examples)
    resource = Resource(kind="lora", version=other, weight=0.8)
    recommendations.set_resources(actor=owner, version=version, resources=[resource])
    return version


def changes(version: ModelVersion):
    """One change of each kind of row, as a row and columns."""
    model, file = version.model, version.files.get()
    words = TriggerWordSet.objects.get(version=version)
    yield model, {"download_count": 7}
    yield model, {"name": "Ink Wash 2"}
    yield model, {"description": "Soft **lines**."}
    yield model.owner, {"username": "aoi"}
    yield model.owner, {"avatar": VersionCover.objects.get(version=version).blob}
    yield Tag.objects.get(models=model), {"name": "pen"}
    yield version.base_model, {"name": "Another"}
    yield version, {"rating_sum": 5, "rating_count": 1}
    yield version, {"description": "Later."}
    yield file, {"scan_message": "Looked at again."}
    yield file, {"scan_report": {"virus": {"status": "Error", "message": "No answer."}}}
    yield file, {"precision": "bf16"}
    yield file.hashes.get(kind="AutoV3"), {"value": "ABCDEF012345"}
    yield file.blob, {"size_bytes": 4096}
    yield VersionCover.objects.get(version=version), {"width": 99}
    yield words, {"name": "Night"}
    yield TriggerWord.objects.filter(set=words)[0], {"text": "moon"}
    yield ExamplePrompt.objects.get(version=version), {"prompt": "a lone pine"}
    yield RecommendedResource.objects.get(version=version), {"weight": 0.5}
    yield model, {"status": "Archived"}


def text_of(api: Api, **options) -> bytes:
    return api.raw("/api/v1/models", **options).content


def test_whatever_changes_is_printed_anew(api, version, monkeypatch):
    before = text_of(api)
    for row, columns in changes(version):
        type(row).objects.filter(pk=row.pk).update(**columns)
        after = text_of(api)
        assert after != before, columns
        with monkeypatch.context() as patched:
            patched.setattr(kept_items, "_kept", KeptPrints(most_bytes=0))
            assert text_of(api) == after, columns
        before = after


def test_what_did_not_change_is_neither_read_nor_printed_again(api, version, monkeypatch):
    before = text_of(api)
    monkeypatch.delattr(kept_items, "complete")
    with CaptureQueriesContext(connection) as asked:
        assert text_of(api) == before
    parts = ("modelfile", "modelfilehash", "versioncover", "triggerword", "modeltag", "example")
    assert not [
        row["sql"] for row in asked if any(f"_registry_{part}" in row["sql"] for part in parts)
    ]


def test_what_comes_and_what_goes_and_what_moves_is_seen(api, version, monkeypatch):
    """As triggers see it: rows that are added, deleted, or given to another version."""
    other = Model.objects.get(name="Paper").versions.get()
    text_of(api)
    cover = VersionCover.objects.get(version=version)
    for change in (
        lambda: VersionCover.objects.filter(pk=cover.pk).update(version=other),
        lambda: VersionCover.objects.filter(pk=cover.pk).delete(),
        lambda: TriggerWord.objects.create(
            set=TriggerWordSet.objects.filter(version=other)[0], text="new", position=9
        ),
        lambda: ModelTag.objects.filter(model=version.model).delete(),
        lambda: Model.objects.filter(pk=other.model_id).update(visibility="private"),
    ):
        change()
        after = text_of(api)
        with monkeypatch.context() as patched:
            patched.setattr(kept_items, "_kept", KeptPrints(most_bytes=0))
            assert text_of(api) == after


def test_a_model_without_a_stamp_is_not_kept(api, version, kept):
    ModelStamp.objects.filter(model=version.model).delete()
    text_of(api)
    assert {key[0] for key in kept._kept} == {Model.objects.get(name="Paper").pk}


def test_a_link_that_only_some_may_follow_stays_with_them(api_of, version):
    Model.objects.filter(name="Paper").update(visibility="private")
    own, others = api_of(Model.objects.get(name="Paper").owner), api_of(UserFactory())
    for _ in range(2):
        [theirs] = others.get("models")["items"]
        mine = next(item for item in own.get("models")["items"] if item["name"] == "Ink Wash")
        assert theirs["modelVersions"][0]["recommendedResources"] == []
        assert len(mine["modelVersions"][0]["recommendedResources"]) == 1


@override_settings(ALLOWED_HOSTS=["*"])
def test_addresses_are_those_of_the_host_that_was_asked(api, version):
    for host in ("hub.local", "hub.lan", "hub.local"):
        text = text_of(api, headers={"host": host})
        assert f"http://{host}/api/download".encode() in text
        assert text.count(b"http://hub.") == text.count(f"http://{host}/".encode())


def test_what_time_changes_is_never_kept(api, api_of, version, kept, monkeypatch):
    soon = timezone.now() + timedelta(hours=1)
    ModelVersion.objects.filter(pk=version.pk).update(early_access_until=soon)
    Model.objects.filter(name="Paper").update(visibility="private")
    assert b"earlyAccessDeadline" in text_of(api)
    assert len(api_of(Model.objects.get(name="Paper").owner).get("models")["items"]) == 2
    assert not kept._kept
    monkeypatch.setattr(timezone, "now", lambda: soon + timedelta(hours=1))
    assert b"earlyAccessDeadline" not in text_of(api)
