"""What a person should look at before training: too small, look-alike, no tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction

from training.datasets.models.dataset import Dataset
from training.datasets.models.item import CaptionStyle, Item, Problem
from training.datasets.models.tag import ItemTag


def is_too_small(width: int, height: int, *, resolution: int) -> bool:
    """Whether a region of this size in pixels is smaller than its bucket and would be enlarged."""
    return width * height < resolution * resolution


class LookAlikes:
    """The hashes of a dataset's pictures, searched while more are added."""

    def __init__(self, known: Iterable[tuple[UUID, int]]) -> None:
        pairs = list(known)
        self._ids = [pk for pk, _ in pairs]
        self._hashes = [value for _, value in pairs]

    @classmethod
    def of(cls, dataset: Dataset) -> LookAlikes:
        """The hashes of all pictures that are in the dataset now."""
        rows = Item.objects.filter(dataset=dataset).present().order_by("position", "id")
        return cls(rows.values_list("pk", "phash"))

    def find(self, value: int) -> UUID | None:
        """The nearest picture that a person would take for the same, if there is one."""
        from training.datasets.perceptual_hash import LOOK_ALIKE_BITS, as_array, nearest

        found = nearest(value, as_array(self._hashes))
        if found is None or found[1] > LOOK_ALIKE_BITS:
            return None
        return self._ids[found[0]]

    def add(self, pk: UUID, value: int) -> None:
        """Take one more picture in."""
        self._ids.append(pk)
        self._hashes.append(value)


def problems_of(item: Item, *, resolution: int, has_caption: bool) -> list[str]:
    """Every problem of the picture as it is now, in the order of `Problem`."""
    box = item.crop
    width, height = (box[2], box[3]) if box else (item.width, item.height)
    found = {
        Problem.TOO_SMALL: is_too_small(width, height, resolution=resolution),
        Problem.LOOK_ALIKE: item.look_alike_of_id is not None,
        Problem.NO_TAGS: not has_caption,
    }
    return [str(problem) for problem, holds in found.items() if holds]


def refresh_problems(items: Sequence[Item], *, resolution: int) -> None:
    """Write the problems of these pictures again; two queries, and one per 500 that changed."""
    tagged = set(
        ItemTag.objects.filter(item__in=items).values_list("item_id", flat=True).distinct()
    )
    changed = []
    for item in items:
        is_text = item.caption_style == CaptionStyle.TEXT
        has_caption = bool(item.caption_text.strip()) if is_text else item.pk in tagged
        problems = problems_of(item, resolution=resolution, has_caption=has_caption)
        if problems != item.problems:
            item.problems = problems
            changed.append(item)
    Item.objects.bulk_update(changed, ["problems"], batch_size=500)


def check_dataset(*, dataset: Dataset) -> None:
    """Search all pictures for look-alikes and problems again, after a change to all of them."""
    with transaction.atomic():
        items = list(
            Item.objects.select_for_update()
            .filter(dataset=dataset)
            .present()
            .order_by("position", "id")
        )
        seen = LookAlikes(())
        changed = []
        for item in items:
            twin = seen.find(item.phash)
            seen.add(item.pk, item.phash)
            if twin != item.look_alike_of_id:
                item.look_alike_of_id = twin
                changed.append(item)
        Item.objects.bulk_update(changed, ["look_alike_of"], batch_size=500)
        refresh_problems(items, resolution=dataset.resolution)
