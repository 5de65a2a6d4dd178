"""Bringing files in: pairs, repeats, look-alikes, odd pictures, and the report of each file."""

import io
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from PIL import Image

from hub.core.errors import NotAllowed, NotFound
from hub.formats.picture_end import picture_length
from hub.storage.blobs import open_blob
from tests.factories.accounts import UserFactory
from tests.factories.phone_pictures import phone_jpegs
from tests.factories.training import (
    bring_in,
    fill,
    make_dataset,
    make_upload,
    picture,
    picture_bytes,
    zip_bytes,
)
from training.datasets.models.importing import DatasetImport, ImportStatus, Note, Outcome
from training.datasets.models.item import CaptionStyle, Item, Problem
from training.datasets.picture import UnusablePicture, look_at
from training.datasets.queries import ImportReport, items_of
from training.datasets.services import importing, items

pytestmark = pytest.mark.django_db


def outcomes(report: ImportReport) -> dict[str, str]:
    return {entry.name: entry.outcome for entry in report.entries}


def test_a_zip_brings_pictures_with_their_captions_and_repeats() -> None:
    dataset = make_dataset()
    report = bring_in(
        dataset,
        "set.zip",
        zip_bytes(
            {
                "20_yuki girl/a.png": picture_bytes(1),
                "20_yuki girl/a.txt": "yuki，snow, 山".encode("gb18030"),
                "20_yuki girl/b.PNG": picture_bytes(2),
                "__MACOSX/20_yuki girl/._a.png": b"junk",
                "20_yuki girl/.DS_Store": b"junk",
                "notes/readme.html": b"# hello",
            }
        ),
    )
    first, second = items_of(dataset)
    assert first.tag_texts == ["yuki", "snow", "山"]
    assert second.tag_texts == ["yuki girl"]
    assert {first.repeats, second.repeats} == {20}
    assert outcomes(report) == {
        "20_yuki girl/a.txt": Outcome.CAPTION,
        "20_yuki girl/a.png": Outcome.ADDED,
        "20_yuki girl/b.PNG": Outcome.ADDED,
        "notes/readme.html": Outcome.NOT_AN_IMAGE,
    }
    dataset.refresh_from_db()
    assert dataset.item_count == report.added == 2
    assert report.batch.status == ImportStatus.DONE


def test_a_caption_may_come_before_or_after_its_picture() -> None:
    dataset = make_dataset()
    early = bring_in(dataset, "one.txt", b"before")
    assert outcomes(early) == {"one.txt": Outcome.CAPTION_WAITS}
    bring_in(dataset, "one.png", picture_bytes(1))
    bring_in(dataset, "two.png", picture_bytes(2))
    late = bring_in(dataset, "two.txt", b"after, all")
    assert outcomes(late) == {"two.txt": Outcome.CAPTION}
    assert [item.tag_texts for item in items_of(dataset)] == [["before"], ["after", "all"]]
    early.batch.entries.get(outcome=Outcome.CAPTION)


def test_a_caption_beside_wins_over_one_that_waits_and_one_is_left_for_the_report() -> None:
    dataset = make_dataset()
    early = bring_in(dataset, "a.txt", b"before")
    pair = {"a.txt": b"beside", "a.png": picture_bytes(1), "b.txt": b"alone", "a.caption": b"later"}
    report = bring_in(dataset, "set.zip", zip_bytes(pair))
    assert outcomes(report) == {
        "a.png": Outcome.ADDED,
        "a.txt": Outcome.CAPTION,
        "a.caption": Outcome.CAPTION,
        "b.txt": Outcome.CAPTION_WAITS,
    }
    assert items_of(dataset).get().tag_texts == ["later"]
    assert outcomes(importing.import_report(early.batch)) == {"a.txt": Outcome.CAPTION}


def test_a_picture_that_is_here_under_another_name_takes_the_caption_beside_it() -> None:
    dataset = make_dataset()
    bring_in(dataset, "first/one.png", picture_bytes(1))
    pair = {"again/red.png": picture_bytes(1), "again/red.txt": b"red, hut"}
    report = bring_in(dataset, "set.zip", zip_bytes(pair))
    assert outcomes(report) == {
        "again/red.png": Outcome.DUPLICATE,
        "again/red.txt": Outcome.CAPTION,
    }
    assert items_of(dataset).get().tag_texts == ["red", "hut"]


@pytest.mark.parametrize("caption_first", [False, True])
def test_so_it_does_when_its_files_come_one_by_one(caption_first: bool) -> None:
    dataset = make_dataset()
    bring_in(dataset, "set/red copy.png", picture_bytes(1))
    files = [("set/red.png", picture_bytes(1)), ("set/red.txt", b"red, hut")]
    for name, data in reversed(files) if caption_first else files:
        bring_in(dataset, name, data)
    assert items_of(dataset).get().tag_texts == ["red", "hut"]
    kept = DatasetImport.objects.values_list("entries__outcome", flat=True)
    assert sorted(kept) == sorted([Outcome.ADDED, Outcome.DUPLICATE, Outcome.CAPTION])


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "The file is empty."), (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC is not read here.")],
)
def test_a_file_that_is_no_picture_says_what_it_is(data: bytes, said: str) -> None:
    with pytest.raises(UnusablePicture, match=said) as refusal:
        look_at(data, max_pixels=1)
    assert refusal.value.outcome == Outcome.NOT_AN_IMAGE


def test_a_caption_that_cannot_be_read_leaves_its_picture(settings: Any) -> None:
    settings.IMAGE_MAX_BYTES = 20_000
    dataset = make_dataset()
    pair = {"a.txt": b"long" * 6_000, "a.png": picture_bytes(1)}
    report = bring_in(dataset, "set.zip", zip_bytes(pair))
    assert outcomes(report) == {"a.png": Outcome.ADDED, "a.txt": Outcome.TOO_LARGE}
    assert items_of(dataset).get().tag_texts == []


def test_a_pair_costs_few_queries_however_many_came_before() -> None:
    def cost(pairs: int) -> int:
        dataset = make_dataset()
        with CaptureQueriesContext(connection) as asked:
            fill(dataset, pairs)
        return len(asked)

    two, four, six = cost(2), cost(4), cost(6)
    assert six - four == four - two <= 2 * 14


def test_running_text_is_kept_as_one_caption() -> None:
    dataset = make_dataset()
    text = "A woman stands in the snow, looking at the mountains behind her."
    bring_in(dataset, "s.zip", zip_bytes({"a.png": picture_bytes(1), "a.txt": text.encode()}))
    item = items_of(dataset).get()
    assert item.caption_style == CaptionStyle.TEXT
    assert item.caption == text
    assert Problem.NO_TAGS not in item.problems


def test_the_same_bytes_are_a_duplicate_and_a_rework_is_a_look_alike() -> None:
    dataset = make_dataset()
    original = picture(1, size=(128, 128))
    bring_in(dataset, "a.png", picture_bytes(1, size=(128, 128)))
    again = bring_in(dataset, "b.png", picture_bytes(1, size=(128, 128)))
    assert outcomes(again) == {"b.png": Outcome.DUPLICATE}
    out = io.BytesIO()
    original.resize((100, 100)).save(out, "JPEG", quality=80)
    report = bring_in(dataset, "c.jpg", out.getvalue())
    assert report.problems == {Problem.LOOK_ALIKE: 1, Problem.NO_TAGS: 1}
    assert items_of(dataset).get(filename="c.jpg").look_alike_of.filename == "a.png"


def test_a_picture_below_its_bucket_is_marked_and_kept() -> None:
    dataset = make_dataset(resolution=64)
    report = bring_in(
        dataset,
        "s.zip",
        zip_bytes(
            {
                "ok.png": picture_bytes(1, size=(64, 64)),
                "small.png": picture_bytes(2, size=(63, 64)),
            }
        ),
    )
    assert report.added == 2
    assert report.problems[Problem.TOO_SMALL] == 1
    assert items_of(dataset).with_problem(Problem.TOO_SMALL).get().filename == "small.png"


@pytest.mark.parametrize(("side", "outcome"), [(15, Outcome.TOO_SMALL), (16, Outcome.ADDED)])
def test_what_training_cannot_use_stays_out(side: int, outcome: str) -> None:
    report = bring_in(make_dataset(), "a.png", picture_bytes(1, size=(side, 64)))
    assert outcomes(report) == {"a.png": outcome}


def test_orientation_of_the_camera_is_honoured() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = picture_bytes(1, size=(96, 64), kind="JPEG", exif=exif.tobytes())
    dataset = make_dataset()
    report = bring_in(dataset, "turned.jpg", data)
    item = items_of(dataset).get()
    assert (item.width, item.height) == (64, 96)
    assert report.entries[0].notes == [Note.TURNED]


def test_odd_kinds_of_pictures_are_taken_and_reported() -> None:
    wide = Image.fromarray((np.arange(64 * 64).reshape(64, 64) * 16).astype(np.uint16))
    files: dict[str, bytes] = {}
    for name, image, kind, options in (
        ("cmyk.jpg", picture(1).convert("CMYK"), "JPEG", {}),
        ("wide.png", wide, "PNG", {}),
        ("clear.png", picture(3).convert("RGBA").resize((64, 64)), "PNG", {}),
        ("film.gif", picture(4), "GIF", {"save_all": True, "append_images": [picture(5)]}),
    ):
        out = io.BytesIO()
        image.save(out, kind, **options)
        files[name] = out.getvalue()
    dataset = make_dataset()
    report = bring_in(dataset, "odd.zip", zip_bytes(files))
    notes = {entry.name: entry.notes for entry in report.entries}
    assert report.added == 4
    assert notes == {
        "cmyk.jpg": [Note.FROM_CMYK],
        "wide.png": [Note.FROM_16_BIT],
        "clear.png": [Note.TRANSPARENT],
        "film.gif": [Note.FIRST_FRAME],
    }


def test_a_broken_picture_and_a_disguised_file_are_told_apart() -> None:
    report = bring_in(
        make_dataset(),
        "s.zip",
        zip_bytes(
            {
                "cut.png": picture_bytes(1, size=(256, 256))[:-2000],
                "fake.png": b"MZ this is a program",
                "empty.jpg": b"",
                "tail.png": picture_bytes(2) + b"#!/bin/sh",
            }
        ),
    )
    assert outcomes(report) == {
        "cut.png": Outcome.BROKEN,
        "fake.png": Outcome.NOT_AN_IMAGE,
        "empty.jpg": Outcome.NOT_AN_IMAGE,
        "tail.png": Outcome.BROKEN,
    }


def test_a_phones_picture_is_taken_without_the_video_behind_it() -> None:
    dataset = make_dataset()
    report = bring_in(dataset, "a.jpg", phone_jpegs()["a picture and a video"])
    blob = items_of(dataset).get().blob
    assert outcomes(report) == {"a.jpg": Outcome.ADDED}
    assert (report.entries[0].notes, blob.content_type) == ([], "image/jpeg")
    with open_blob(blob) as kept:
        assert blob.size_bytes == picture_length(kept)


@pytest.mark.parametrize(
    ("limit", "outcome"), [(64 * 64, Outcome.ADDED), (4095, Outcome.TOO_LARGE)]
)
def test_the_pixel_limit_holds_on_both_sides(limit: int, outcome: str) -> None:
    with override_settings(IMAGE_MAX_PIXELS=limit):
        report = bring_in(make_dataset(), "a.png", picture_bytes(1))
    assert outcomes(report) == {"a.png": outcome}


def test_a_full_dataset_takes_no_more() -> None:
    with override_settings(DATASET_MAX_ITEMS=1):
        report = bring_in(
            make_dataset(),
            "s.zip",
            zip_bytes({"a.png": picture_bytes(1), "b.png": picture_bytes(2)}),
        )
    assert outcomes(report) == {"a.png": Outcome.ADDED, "b.png": Outcome.NO_ROOM}


def test_reading_an_upload_twice_changes_nothing() -> None:
    dataset = make_dataset()
    upload = make_upload(owner=dataset.owner, name="a.png", data=picture_bytes(1))
    first = importing.start_import(actor=dataset.owner, dataset=dataset, upload_id=upload.pk)
    again = importing.start_import(actor=dataset.owner, dataset=dataset, upload_id=upload.pk)
    assert first.pk == again.pk
    for _ in range(2):
        report = importing.import_upload(dataset_id=dataset.pk, upload_id=upload.pk)
    assert outcomes(report) == {"a.png": Outcome.ADDED}


def test_an_import_that_was_cut_off_goes_on_where_it_stopped() -> None:
    dataset = make_dataset()
    data = zip_bytes({"a.png": picture_bytes(1), "b.png": picture_bytes(2)})
    upload = make_upload(owner=dataset.owner, name="s.zip", data=data)
    batch = importing.start_import(actor=dataset.owner, dataset=dataset, upload_id=upload.pk)
    importing.import_upload(dataset_id=dataset.pk, upload_id=upload.pk)
    batch.entries.get(name="b.png").delete()
    Item.objects.filter(filename="b.png").delete()
    batch.status = ImportStatus.READING
    batch.save()
    report = importing.import_upload(dataset_id=dataset.pk, upload_id=upload.pk)
    assert outcomes(report) == {"a.png": Outcome.ADDED, "b.png": Outcome.ADDED}


def test_a_removed_picture_that_comes_again_is_put_back_with_its_tags() -> None:
    dataset = make_dataset()
    (item,) = fill(dataset, 1)
    items.remove_items(actor=dataset.owner, items=[item])
    report = bring_in(dataset, "again.png", picture_bytes(0))
    assert report.entries[0].notes == [Note.RESTORED]
    assert items_of(dataset).get().tag_texts == ["yuki", "girl", "snow"]
    dataset.refresh_from_db()
    assert dataset.item_count == 1


def test_an_import_that_nobody_reads_is_asked_for_again() -> None:
    dataset = make_dataset()
    upload = make_upload(owner=dataset.owner, name="a.png", data=picture_bytes(1))
    batch = importing.start_import(actor=dataset.owner, dataset=dataset, upload_id=upload.pk)
    assert importing.resume_imports() == 0
    late = batch.created_at - importing.RESUME_AFTER - timedelta(seconds=1)
    DatasetImport.objects.filter(pk=batch.pk).update(created_at=late)
    assert importing.resume_imports() == 1
    importing.import_upload(dataset_id=dataset.pk, upload_id=upload.pk)
    assert importing.resume_imports() == 0


def test_others_cannot_import() -> None:
    dataset = make_dataset()
    stranger = UserFactory()
    upload = make_upload(owner=stranger, name="a.png", data=picture_bytes(1))
    with pytest.raises(NotFound):
        importing.start_import(actor=stranger, dataset=dataset, upload_id=upload.pk)
    with pytest.raises(NotAllowed):
        importing.create_dataset(actor=stranger, team=dataset.team, name="x")
