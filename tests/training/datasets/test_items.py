"""Crops, removal, visibility."""

import pytest
from django.db import IntegrityError, transaction

from hub.accounts.services import add_member
from hub.core.errors import Invalid, NotAllowed, NotFound
from hub.core.visibility import Visibility
from tests.factories.accounts import UserFactory
from tests.factories.training import bring_in, fill, make_dataset, picture_bytes
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item, Problem
from training.datasets.queries import (
    ItemFilters,
    covers_of,
    dataset_for,
    datasets_of,
    items_of,
    items_page,
)
from training.datasets.services import datasets, items
from training.datasets.services.datasets import DatasetDetails
from training.datasets.services.items import CropBox

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "crop",
    [CropBox(-1, 0, 20, 20), CropBox(0, 0, 65, 20), CropBox(50, 0, 20, 20), CropBox(0, 0, 15, 20)],
)
def test_a_crop_must_lie_inside(crop: CropBox) -> None:
    dataset = make_dataset()
    (item,) = fill(dataset, 1)
    with pytest.raises(Invalid):
        items.set_crop(actor=dataset.owner, item=item, crop=crop)


def test_the_database_refuses_a_crop_outside_too() -> None:
    (item,) = fill(make_dataset(), 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.filter(pk=item.pk).update(crop_x=60, crop_y=0, crop_width=20, crop_height=20)


def test_a_crop_can_make_a_picture_too_small_and_be_taken_away() -> None:
    dataset = make_dataset()
    (item,) = fill(dataset, 1)
    items.set_crop(actor=dataset.owner, item=item, crop=CropBox(0, 0, 32, 32))
    assert Problem.TOO_SMALL in items_of(dataset).get().problems
    items.set_crop(actor=dataset.owner, item=item, crop=None)
    assert items_of(dataset).get().problems == []


def test_the_same_crop_for_all_fits_every_size() -> None:
    dataset = make_dataset()
    bring_in(dataset, "a.png", picture_bytes(1, size=(100, 100)))
    bring_in(dataset, "b.png", picture_bytes(2, size=(300, 100)))
    bring_in(dataset, "c.png", picture_bytes(3, size=(20, 300)))
    first = items_of(dataset).first()
    assert first is not None
    changed = items.set_crop_for_all(actor=dataset.owner, item=first, crop=CropBox(10, 20, 60, 60))
    assert len(changed) == 3
    boxes = [item.crop for item in items_of(dataset)]
    assert boxes[0] == (10, 20, 60, 60)
    assert boxes[1] == (90, 20, 60, 60)


def test_removing_and_restoring_keeps_count_and_look_alikes_right() -> None:
    dataset = make_dataset()
    bring_in(dataset, "a.png", picture_bytes(1, size=(128, 128)))
    bring_in(dataset, "b.jpg", picture_bytes(1, size=(128, 128), kind="JPEG", quality=90))
    first, second = items_of(dataset)
    assert Problem.LOOK_ALIKE in second.problems
    items.remove_items(actor=dataset.owner, items=[first])
    assert Problem.LOOK_ALIKE not in items_of(dataset).get().problems
    items.restore_items(actor=dataset.owner, items=[first])
    dataset.refresh_from_db()
    assert dataset.item_count == 2
    assert items_of(dataset).with_problem(Problem.LOOK_ALIKE).count() == 1


def test_another_resolution_checks_all_pictures_again() -> None:
    dataset = make_dataset(resolution=64)
    fill(dataset, 2)
    details = DatasetDetails(name="Yuki", kind=dataset.kind, resolution=512)
    changed = datasets.update_dataset(actor=dataset.owner, dataset=dataset, details=details)
    assert items_of(changed).with_problem(Problem.TOO_SMALL).count() == 2


def test_filters_and_pages_keep_the_order() -> None:
    dataset = make_dataset()
    fill(dataset, 5)
    page = items_page(dataset, cursor=None, limit=3)
    rest = items_page(dataset, cursor=page.next_cursor, limit=3)
    names = [item.filename for item in (*page.items, *rest.items)]
    assert names == [f"{number:02d}.png" for number in range(5)]
    assert items_of(dataset, ItemFilters(tags=["yuki", "snow"])).count() == 5
    assert items_of(dataset, ItemFilters(hidden=["snow"])).count() == 0
    assert items_of(dataset, ItemFilters(text="03")).count() == 1


def test_who_sees_and_changes_a_dataset() -> None:
    dataset = make_dataset()
    member, stranger = UserFactory(), UserFactory()
    add_member(actor=dataset.owner, team=dataset.team, user=member)
    assert dataset_for(member, dataset.slug).pk == dataset.pk
    with pytest.raises(NotFound):
        dataset_for(stranger, dataset.slug)
    with pytest.raises(NotAllowed):
        datasets.delete_dataset(actor=member, dataset=dataset)
    Dataset.objects.filter(pk=dataset.pk).update(visibility=Visibility.PUBLIC)
    dataset.refresh_from_db()
    assert dataset_for(stranger, dataset.pk).pk == dataset.pk
    (item,) = fill(dataset, 1)
    with pytest.raises(NotAllowed):
        items.remove_items(actor=stranger, items=[item])
    Dataset.objects.filter(pk=dataset.pk).update(visibility=Visibility.PRIVATE)
    assert not datasets_of(member).exists()
    datasets.delete_dataset(actor=dataset.owner, dataset=dataset)
    with pytest.raises(NotFound):
        dataset_for(dataset.owner, dataset.pk)


def test_a_list_of_datasets_needs_the_same_queries_for_any_number(
    django_assert_num_queries: object,
) -> None:
    first = make_dataset(name="one")
    fill(first, 2)
    for number in range(3):
        fill(make_dataset(owner=first.owner, team=first.team, name=f"n{number}"), 5)
    found = list(datasets_of(first.owner))
    with django_assert_num_queries(1):  # type: ignore[operator]
        covers = covers_of(found)
    assert sorted(len(rows) for rows in covers.values()) == [2, 4, 4, 4]
