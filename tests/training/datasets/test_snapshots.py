"""Snapshots: equal content is one snapshot, and what training reads is exactly that."""

import hashlib
import json
from pathlib import Path

import pytest

from hub.core.errors import Invalid
from tests.factories.training import bring_in, fill, make_dataset, picture_bytes
from training.datasets.manifest import canonical_json, manifest_sha256
from training.datasets.queries import items_of
from training.datasets.services import export, importing, items, snapshots, tags
from training.datasets.services.items import CropBox
from training.engine.data.manifest import read_manifest

pytestmark = pytest.mark.django_db


def test_the_same_content_gives_the_same_snapshot() -> None:
    dataset = make_dataset()
    pictures = fill(dataset, 3)
    first = snapshots.take_snapshot(actor=dataset.owner, dataset=dataset)
    assert snapshots.take_snapshot(actor=dataset.owner, dataset=dataset).pk == first.pk
    tags.add_tag(actor=dataset.owner, items=pictures[:1], tags=["hat"])
    second = snapshots.take_snapshot(actor=dataset.owner, dataset=dataset)
    assert second.pk != first.pk
    tags.undo(actor=dataset.owner, dataset=dataset)
    assert snapshots.take_snapshot(actor=dataset.owner, dataset=dataset).pk == first.pk


def test_two_datasets_of_the_same_content_have_the_same_hash_whatever_the_order() -> None:
    hashes = []
    for order in ((0, 1, 2), (2, 0, 1)):
        dataset = make_dataset(name=f"order {order}")
        for seed in order:
            bring_in(dataset, f"{seed}.png", picture_bytes(seed))
        taken = snapshots.take_snapshot(actor=dataset.owner, dataset=dataset)
        hashes.append(taken.manifest_sha256)
    assert hashes[0] == hashes[1]


def test_the_hash_is_that_of_the_canonical_json_after_the_database() -> None:
    dataset = make_dataset(trigger_word="雪女")
    fill(dataset, 2, tags='雪女, a\\b, "q"')
    taken = snapshots.take_snapshot(actor=dataset.owner, dataset=dataset)
    taken.refresh_from_db()
    assert manifest_sha256(taken.manifest) == taken.manifest_sha256


def test_a_snapshot_does_not_change_with_its_dataset() -> None:
    dataset = make_dataset()
    pictures = fill(dataset, 2)
    taken = snapshots.take_snapshot(actor=dataset.owner, dataset=dataset)
    tags.add_tag(actor=dataset.owner, items=pictures, tags=["later"])
    items.remove_items(actor=dataset.owner, items=pictures[:1])
    taken.refresh_from_db()
    assert manifest_sha256(taken.manifest) == taken.manifest_sha256
    assert taken.pictures.count() == 2


def test_the_engine_reads_what_is_laid_out(tmp_path: Path) -> None:
    dataset = make_dataset(trigger_word="yuki", class_prompt="a girl", kind="style")
    pictures = fill(dataset, 2)
    items.set_crop(actor=dataset.owner, item=pictures[0], crop=CropBox(4, 8, 32, 40))
    items.set_repeats(actor=dataset.owner, items=pictures, repeats=7)
    taken = snapshots.take_snapshot(actor=dataset.owner, dataset=dataset)
    path = snapshots.write_manifest(taken, tmp_path / "dataset")
    manifest = read_manifest(path)
    assert path.read_bytes() == canonical_json(taken.manifest)
    assert (manifest.trigger_word, manifest.class_prompt, manifest.kind) == (
        "yuki",
        "a girl",
        "style",
    )
    assert {image.crop for image in manifest.images} == {(4, 8, 32, 40), None}
    for image in manifest.images:
        assert hashlib.sha256(image.path.read_bytes()).hexdigest() == image.sha256
        assert image.repeats == 7
        assert image.caption == "yuki, girl, snow"


def test_laying_out_twice_is_as_once(tmp_path: Path) -> None:
    dataset = make_dataset()
    fill(dataset, 2)
    taken = snapshots.take_snapshot(actor=dataset.owner, dataset=dataset)
    first = snapshots.write_manifest(taken, tmp_path)
    second = snapshots.write_manifest(taken, tmp_path)
    assert json.loads(first.read_bytes()) == json.loads(second.read_bytes())
    assert len(list((tmp_path / "images").iterdir())) == 2


def test_an_empty_dataset_cannot_be_frozen() -> None:
    dataset = make_dataset()
    with pytest.raises(Invalid):
        snapshots.take_snapshot(actor=dataset.owner, dataset=dataset)


def test_an_export_comes_back_as_the_same_dataset() -> None:
    dataset = make_dataset(trigger_word="yuki")
    fill(dataset, 3)
    blob = export.export_dataset(actor=dataset.owner, dataset=dataset)
    assert export.export_dataset(actor=dataset.owner, dataset=dataset).pk == blob.pk
    other = make_dataset(owner=dataset.owner, team=dataset.team, name="copy", trigger_word="yuki")
    from hub.storage.blobs import open_blob

    with open_blob(blob) as file:
        report = bring_in(other, "back.zip", file.read())
    assert report.added == 3
    first = snapshots.take_snapshot(actor=dataset.owner, dataset=dataset)
    second = snapshots.take_snapshot(actor=dataset.owner, dataset=other)
    assert first.manifest_sha256 == second.manifest_sha256


def test_an_exported_crop_is_cut() -> None:
    dataset = make_dataset()
    (item,) = fill(dataset, 1)
    items.set_crop(actor=dataset.owner, item=item, crop=CropBox(0, 0, 20, 30))
    blob = export.export_dataset(actor=dataset.owner, dataset=dataset)
    other = make_dataset(name="cut")
    from hub.storage.blobs import open_blob

    with open_blob(blob) as file:
        bring_in(other, "back.zip", file.read())
    cut = items_of(other).get()
    assert (cut.width, cut.height) == (20, 30)


def test_a_folder_of_this_machine_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "10_cat").mkdir()
    (tmp_path / "10_cat" / "a.png").write_bytes(picture_bytes(1))
    (tmp_path / "10_cat" / "a.txt").write_text("cat, sitting")
    dataset = make_dataset()
    report = importing.import_folder(actor=dataset.owner, dataset=dataset, folder=tmp_path)
    assert report.added == 1
    item = items_of(dataset).get()
    assert (item.repeats, item.caption) == (10, "cat, sitting")
