"""What stays when the files of a published version are deleted."""

import pytest
from django.contrib.auth.models import AnonymousUser

from hub.core.errors import Conflict, Gone, Invalid, NotAllowed, NotFound
from hub.core.models import AuditEvent
from models_registry import queries
from models_registry.facets import facet_counts
from models_registry.hash_lookup import find_many_by_hash, match_hash
from models_registry.models.file import ModelFile
from models_registry.models.model import Model, Status
from models_registry.models.version import ModelVersion
from models_registry.services import download, files, publish
from models_registry.services.tombstones import delete_files
from tests.factories.accounts import UserFactory
from tests.factories.registry import (
    add_clean_file,
    make_model,
    make_version,
    publish_model,
    store_lora,
)

pytestmark = pytest.mark.django_db
ANYONE = AnonymousUser()


@pytest.fixture
def buried() -> tuple[ModelVersion, str]:
    """A tombstone and the SHA-256 of the file that is gone."""
    version = publish_model()
    sha256 = version.files.get().blob.sha256
    delete_files(actor=version.model.owner, version=version, reason="A better one is out")
    return version, sha256


def test_name_words_hashes_and_the_reason_stay_and_the_files_go(buried):
    version, sha256 = buried
    shown = queries.version_detail(viewer=ANYONE, version_id=version.pk)
    [file] = shown.tombstone.files.all()

    assert shown.is_tombstone
    assert shown.tombstone.reason == "A better one is out"
    assert shown.trained_words == ["inkwash"]
    assert file.name == "ink-wash.safetensors"
    assert {row.kind: row.value for row in file.hashes.all()}["SHA256"] == sha256.upper()
    assert not ModelFile.objects.exists()


@pytest.mark.parametrize("digits", [64, 10])
def test_a_deleted_file_is_still_found_by_its_hash(buried, digits):
    version, sha256 = buried
    match = match_hash(viewer=ANYONE, text=sha256[:digits])

    assert match.versions == (version,)
    assert not match.is_ambiguous
    found = find_many_by_hash(viewer=ANYONE, hashes=[sha256])
    assert found == {sha256.upper(): (version.pk, version.model_id)}


def test_a_present_file_wins_over_a_deleted_one_of_the_same_content(buried):
    _version, sha256 = buried
    again = publish_model(name="Again")

    assert match_hash(viewer=ANYONE, text=sha256).versions == (again,)
    assert find_many_by_hash(viewer=ANYONE, hashes=[sha256])[sha256.upper()][0] == again.pk


def test_a_tombstone_of_a_private_model_is_found_by_its_owner_only():
    version = publish_model(visibility="private")
    sha256 = version.files.get().blob.sha256
    delete_files(actor=version.model.owner, version=version, reason="Gone")

    assert match_hash(viewer=version.model.owner, text=sha256).versions == (version,)
    for viewer in (ANYONE, UserFactory()):
        assert match_hash(viewer=viewer, text=sha256).versions == ()
        assert find_many_by_hash(viewer=viewer, hashes=[sha256]) == {}
        with pytest.raises(NotFound):
            queries.version_detail(viewer=viewer, version_id=version.pk)


def test_a_model_with_nothing_left_is_in_no_list_and_no_count(buried):
    version, _sha256 = buried

    assert Model.objects.get().status == Status.TOMBSTONE
    assert queries.model_list(viewer=ANYONE).items == ()
    assert facet_counts(viewer=ANYONE).total == 0
    assert queries.model_detail(viewer=ANYONE, slug=version.model.slug).versions == (version,)


def test_another_version_brings_the_model_back_to_the_lists(buried):
    version, _sha256 = buried
    second = make_version(version.model, name="v2")
    add_clean_file(second, seed=4)
    publish.publish_version(actor=version.model.owner, version=second)
    [model] = queries.model_list(viewer=ANYONE).items

    assert model.latest_version == second
    version.refresh_from_db()
    assert version.is_tombstone


def test_it_is_written_down_who_deleted_what_and_why(buried):
    version, sha256 = buried
    event = AuditEvent.objects.get(action="version.delete_files")

    assert event.actor_id == version.model.owner_id
    assert event.detail == {"reason": "A better one is out", "sha256": [sha256]}


def test_a_download_says_why_there_is_none(buried):
    shown = queries.version_detail(viewer=ANYONE, version_id=buried[0].pk)
    with pytest.raises(Gone, match="A better one is out"):
        download.choose_file(shown)


def test_a_tombstone_takes_no_new_file_and_is_not_published_again(buried):
    version, _sha256 = buried
    owner = version.model.owner
    version.refresh_from_db()
    with pytest.raises(Conflict):
        files.add_file(actor=owner, version=version, blob=store_lora(seed=7))
    with pytest.raises(Conflict):
        publish.publish_version(actor=owner, version=version)
    with pytest.raises(Conflict):
        delete_files(actor=owner, version=version, reason="Twice")


def test_only_what_is_public_is_buried_and_only_by_its_people():
    draft = make_version(make_model())
    with pytest.raises(Conflict):
        delete_files(actor=draft.model.owner, version=draft, reason="x")
    version = publish_model(name="Other", seed=2)
    with pytest.raises(NotAllowed):
        delete_files(actor=UserFactory(), version=version, reason="x")
    with pytest.raises(Invalid):
        delete_files(actor=version.model.owner, version=version, reason=" \n")
    assert version.files.count() == 1


def test_a_file_that_never_passed_the_scan_is_not_recognised_afterwards():
    version = publish_model()
    sha256 = version.files.get().blob.sha256
    ModelFile.objects.update(scan_status="Danger")
    delete_files(actor=version.model.owner, version=version, reason="Dangerous")

    assert match_hash(viewer=ANYONE, text=sha256).versions == ()


def test_files_of_an_archived_model_can_be_deleted():
    version = publish_model()
    owner = version.model.owner
    publish.archive_model(actor=owner, model=version.model)
    version.refresh_from_db()
    delete_files(actor=owner, version=version, reason="Cleaning up")

    assert Model.objects.get().status == Status.TOMBSTONE
