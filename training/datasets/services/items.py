"""Changes to pictures of a dataset that are not words: crop, repeats, order, removal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Invalid, NotFound
from training.datasets.file_names import MAX_REPEATS
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.permissions import require_edit
from training.datasets.picture import MIN_SIDE
from training.datasets.services.broadcast import tell_editors
from training.datasets.services.checks import check_dataset, refresh_problems

CROP_FIELDS = ["crop_x", "crop_y", "crop_width", "crop_height"]


@dataclass(frozen=True)
class CropBox:
    """A region of the upright picture, in pixels from its top left corner."""

    x: int
    y: int
    width: int
    height: int

    def scaled(self, of: tuple[int, int], to: tuple[int, int]) -> CropBox:
        """The same region of a picture of another size: same centre, share and aspect ratio."""
        factor = min(to[0] / of[0], to[1] / of[1])
        width = max(MIN_SIDE, min(to[0], round(self.width * factor)))
        height = max(MIN_SIDE, min(to[1], round(self.height * factor)))
        middle_x = (self.x + self.width / 2) / of[0] * to[0]
        middle_y = (self.y + self.height / 2) / of[1] * to[1]
        x = min(max(0, round(middle_x - width / 2)), to[0] - width)
        y = min(max(0, round(middle_y - height / 2)), to[1] - height)
        return CropBox(x, y, width, height)


def set_crop(*, actor: User, item: Item, crop: CropBox | None) -> Item:
    """Set the crop of one picture, or clear it with None; the picture itself stays as it is."""
    return _set_crops(actor, item.dataset, {item.pk: crop})[0]


def set_crops(*, actor: User, dataset: Dataset, crops: Mapping[UUID, CropBox | None]) -> list[Item]:
    """Set or clear the crops of several pictures, all or none; undo sends what was there before.

    Raises NotFound when one of them is not in the dataset any more.
    """
    return _set_crops(actor, dataset, dict(crops))


def set_crop_for_all(*, actor: User, item: Item, crop: CropBox) -> list[Item]:
    """Give every picture of the dataset the crop that `crop` is on `item`; returns the pictures."""
    rows = Item.objects.filter(dataset_id=item.dataset_id).present()
    size = (item.width, item.height)
    crops: dict[UUID, CropBox | None] = {
        other.pk: crop.scaled(size, (other.width, other.height))
        for other in rows.only("pk", "width", "height")
    }
    crops[item.pk] = crop
    return _set_crops(actor, item.dataset, crops)


def set_repeats(*, actor: User, items: Sequence[Item], repeats: int) -> int:
    """How often each of these pictures is shown in an epoch; returns how many changed."""
    if not 1 <= repeats <= MAX_REPEATS:
        raise Invalid(_("Repeats are a number from 1 to %s.") % MAX_REPEATS)
    dataset = one_dataset(items)
    require_edit(actor, dataset)
    with transaction.atomic():
        rows = Item.objects.filter(pk__in=[item.pk for item in items])
        changed = rows.exclude(repeats=repeats).update(repeats=repeats)
        tell_editors(dataset, (item.pk for item in items))
        _touch(dataset)
    return changed


def remove_items(*, actor: User, items: Sequence[Item]) -> int:
    """Take pictures out of the dataset; `restore_items` puts them back. Returns how many went."""
    dataset = one_dataset(items)
    require_edit(actor, dataset)
    with transaction.atomic():
        _lock(dataset)
        rows = Item.objects.filter(pk__in=[item.pk for item in items]).present()
        removed = rows.update(removed_at=timezone.now())
        _after_membership_change(dataset)
        tell_editors(dataset, (item.pk for item in items))
        audit.record(
            actor=actor, action="dataset.remove_items", target=dataset, detail={"count": removed}
        )
    return removed


def restore_items(*, actor: User, items: Sequence[Item]) -> int:
    """Put removed pictures back with their tags and crops; returns how many came."""
    dataset = one_dataset(items)
    require_edit(actor, dataset)
    with transaction.atomic():
        _lock(dataset)
        rows = Item.objects.filter(pk__in=[item.pk for item in items], removed_at__isnull=False)
        restored = rows.update(removed_at=None)
        _after_membership_change(dataset)
        tell_editors(dataset, (item.pk for item in items))
        audit.record(
            actor=actor, action="dataset.restore_items", target=dataset, detail={"count": restored}
        )
    return restored


def one_dataset(items: Sequence[Item]) -> Dataset:
    """The dataset that all these pictures belong to; raises Invalid for none or several."""
    ids = {item.dataset_id for item in items}
    if len(ids) != 1:
        raise Invalid(_("Choose at least one picture, all of the same dataset."))
    return Dataset.objects.select_related("team").get(pk=ids.pop())


def _set_crops(actor: User, dataset: Dataset, crops: dict[UUID, CropBox | None]) -> list[Item]:
    require_edit(actor, dataset)
    with transaction.atomic():
        items = list(
            Item.objects.select_for_update()
            .filter(dataset=dataset, pk__in=crops)
            .present()
            .order_by("id")
        )
        if not items or len(items) != len(crops):
            raise NotFound(_("There is no such picture in this dataset."))
        for item in items:
            _put_crop(item, crops[item.pk])
        Item.objects.bulk_update(items, CROP_FIELDS, batch_size=500)
        refresh_problems(items, resolution=dataset.resolution)
        _touch(dataset)
    return items


def _put_crop(item: Item, crop: CropBox | None) -> None:
    if crop is None:
        item.crop_x = item.crop_y = item.crop_width = item.crop_height = None
        return
    fits = (
        crop.x >= 0
        and crop.y >= 0
        and crop.width >= MIN_SIDE
        and crop.height >= MIN_SIDE
        and crop.x + crop.width <= item.width
        and crop.y + crop.height <= item.height
    )
    if not fits:
        raise Invalid(
            _("The crop must lie inside the picture and be at least %s pixels on each side.")
            % MIN_SIDE
        )
    item.crop_x, item.crop_y = crop.x, crop.y
    item.crop_width, item.crop_height = crop.width, crop.height


def _lock(dataset: Dataset) -> None:
    Dataset.objects.select_for_update().get(pk=dataset.pk)


def _after_membership_change(dataset: Dataset) -> None:
    count = Item.objects.filter(dataset=dataset).present().count()
    Dataset.objects.filter(pk=dataset.pk).update(item_count=count, updated_at=timezone.now())
    check_dataset(dataset=dataset)


def _touch(dataset: Dataset) -> None:
    Dataset.objects.filter(pk=dataset.pk).update(updated_at=timezone.now())
