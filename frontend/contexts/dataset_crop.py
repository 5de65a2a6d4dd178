"""What the crop page works on: pictures with their frames, and the shapes a frame can have."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from frontend.contexts.datasets import ITEMS_A_PAGE, THUMB_WIDTH
from hub.accounts.models import User
from hub.storage.pictures import picture_url
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.permissions import can_edit_dataset
from training.datasets.picture import MIN_SIDE
from training.datasets.queries import items_page

STAGE_WIDTH = 800
RATIOS = ("1:1", "3:4", "4:3", "2:3", "3:2", "9:16", "16:9")


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of the frame; an empty value leaves it free."""

    value: str
    label: str


def shapes() -> list[Shape]:
    """The usual shapes of training buckets, and none."""
    named = [Shape(ratio, ratio) for ratio in RATIOS]
    return [*named, Shape("", pgettext("shape of a crop", "Free"))]


def crop_data(viewer: User, dataset: Dataset, *, cursor: str | None = None) -> dict[str, Any]:
    """One page of pictures for the script; `next` asks for more."""
    page = items_page(dataset, cursor=cursor, limit=ITEMS_A_PAGE)
    return {
        "canEdit": can_edit_dataset(viewer, dataset),
        "least": MIN_SIDE,
        "resolution": dataset.resolution,
        "items": [crop_item(item) for item in page.items],
        "next": page.next_cursor,
        "urls": {
            "items": reverse("dataset_crop_items", args=[dataset.slug]),
            "save": reverse("dataset_crop_save", args=[dataset.slug]),
        },
    }


def crop_item(item: Item) -> dict[str, Any]:
    """One picture for the script; sizes in pixels of the upright picture."""
    return {
        "id": str(item.pk),
        "name": item.filename,
        "src": picture_url(item.blob, STAGE_WIDTH),
        "thumb": picture_url(item.blob, THUMB_WIDTH),
        "w": item.width,
        "h": item.height,
        "crop": item.crop,
    }


def crop_words() -> dict[str, str]:
    """Sentences of the crop page's script."""
    return {
        "frame": _("Crop {w} × {h} px, {x} from the left, {y} from the top"),
        "small": _("{w} × {h} px is less than the training size of {n} px"),
        "size": _("{w} × {h} px"),
        "whole": _("The whole picture is used"),
        "place": _("{at} of {all}"),
        "choose": _("Show {name}"),
        "choose_cropped": _("Show {name}, cropped"),
        "saved": _("All saved"),
        "saving": _("Saving"),
        "failed": _("Not saved"),
        "for_all": _("Cropped {n} images alike"),
        "undone": _("Undone"),
        "redone": _("Done again"),
        "last": _("That was the last image"),
    }
