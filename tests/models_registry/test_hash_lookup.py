"""Hashes as tools write them: prefixes of 8 and more, any case, 0x, and honest ambiguity."""

import pytest
from django.contrib.auth.models import AnonymousUser

from hub.core.errors import Invalid
from models_registry.hash_lookup import match_hash
from models_registry.models.file import ModelFile, ScanStatus
from models_registry.models.file_hash import HashKind, ModelFileHash
from models_registry.queries import find_by_hash
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db

ANYONE = AnonymousUser()


def hash_of(version, kind=HashKind.SHA256) -> str:
    return ModelFileHash.objects.get(file__version=version, kind=kind).value


@pytest.mark.parametrize("kind", [HashKind.SHA256, HashKind.BLAKE3, HashKind.AUTOV3])
@pytest.mark.parametrize("digits", [8, 10, 12, 64])
def test_any_prefix_of_eight_or_more_finds_the_version(kind, digits):
    version = publish_model()
    prefix = hash_of(version, kind)[:digits]
    for text in (prefix, prefix.lower(), f"0x{prefix}", f" {prefix} "):
        assert find_by_hash(viewer=ANYONE, hash_prefix=text) == [version]


@pytest.mark.parametrize("text", ["1234567", "", "xyzxyzxyz", "0" * 65, "0x1234567"])
def test_text_that_is_no_hash_is_refused(text):
    with pytest.raises(Invalid):
        match_hash(viewer=ANYONE, text=text)


def test_the_hash_of_nothing_finds_nothing():
    version = publish_model()
    ModelFileHash.objects.filter(file__version=version, kind=HashKind.AUTOV3).update(
        value="E3B0C44298FC"
    )
    assert find_by_hash(viewer=ANYONE, hash_prefix="e3b0c44298fc") == []


def test_one_file_in_two_models_is_not_ambiguous_two_files_with_one_prefix_are():
    first, second = publish_model(name="A", seed=1), publish_model(name="B", seed=1)
    same = match_hash(viewer=ANYONE, text=hash_of(first)[:8])
    assert (same.versions, same.is_ambiguous) == ((first, second), False)
    third = publish_model(name="C", seed=2)
    ModelFileHash.objects.filter(file__version=third, kind=HashKind.CRC32).update(
        value=hash_of(first)[:8]
    )
    both = match_hash(viewer=ANYONE, text=hash_of(first)[:9])
    assert both.versions == (first, second)
    whole = match_hash(viewer=ANYONE, text=hash_of(first)[:8])
    assert (whole.versions, whole.is_ambiguous) == ((third,), False)


def test_hashes_of_files_that_are_not_cleared_find_nothing():
    version = publish_model()
    ModelFile.objects.filter(version=version).update(scan_status=ScanStatus.PENDING)
    assert find_by_hash(viewer=ANYONE, hash_prefix=hash_of(version)) == []
