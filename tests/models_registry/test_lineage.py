"""Lineage in both directions, by links and by hashes."""

import pytest
from django.contrib.auth.models import AnonymousUser

from models_registry.lineage import lineage_of
from models_registry.models.version import ModelVersion
from models_registry.services.edits import update_model
from models_registry.version_lookup import page_address, version_meant
from tests.factories.registry import publish_model

pytestmark = pytest.mark.django_db
ANYONE = AnonymousUser()


def names(relatives) -> list[tuple[str, int]]:
    return [(row.version.model.name, row.depth) for row in relatives]


def made_on(base: ModelVersion, name: str, *, seed: int, linked: bool) -> ModelVersion:
    made = publish_model(name=name, seed=seed)
    sha256 = base.files.get().blob.sha256
    columns = {"base_version": base} if linked else {"base_model_sha256": sha256}
    ModelVersion.objects.filter(pk=made.pk).update(**columns)
    made.refresh_from_db()
    return made


def test_links_and_hashes_are_followed_in_both_directions():
    base = publish_model(name="Base", type="Checkpoint", seed=1)
    child = made_on(base, "Child", seed=2, linked=True)
    grandchild = made_on(child, "Grandchild", seed=3, linked=True)
    by_hash = made_on(base, "By hash", seed=4, linked=False)

    assert names(lineage_of(viewer=ANYONE, version=grandchild).bases) == [("Child", 1), ("Base", 2)]
    assert names(lineage_of(viewer=ANYONE, version=by_hash).bases) == [("Base", 1)]
    below = lineage_of(viewer=ANYONE, version=base).descendants
    assert sorted(names(below)) == [("By hash", 1), ("Child", 1), ("Grandchild", 2)]


def test_what_is_not_shared_is_left_out_and_said_to_be_hidden():
    base = publish_model(name="Base", type="Checkpoint", seed=1)
    child = made_on(base, "Child", seed=2, linked=True)
    for model in (base.model, child.model):
        update_model(actor=model.owner, model=model, visibility="private")

    assert lineage_of(viewer=ANYONE, version=base).descendants == ()
    seen = lineage_of(viewer=child.model.owner, version=child)
    assert (seen.bases, seen.hidden_base) == ((), True)


def test_a_version_is_meant_by_its_address_or_by_a_name_that_is_its_own():
    first = publish_model(name="Paper Base", seed=1)
    private = publish_model(name="Secret", seed=2, visibility="private")
    publish_model(name="Twin", seed=3)
    publish_model(name="Twin", seed=4)

    for text in (
        " paper base ",
        page_address(first),
        f"http://hub.example/models/{first.model.slug}",
    ):
        assert version_meant(ANYONE, text) == first, text
    for text in ("", "Twin", "Secret", page_address(private), "/models/none/?v=1", "\x00"):
        assert version_meant(ANYONE, text) is None, text
    assert version_meant(private.model.owner, "secret") == private
