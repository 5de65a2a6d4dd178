"""Shape of what the crop page is sent."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from hub.core.errors import Invalid
from training.datasets.services.items import CropBox


@dataclass(frozen=True, slots=True)
class CropCommand:
    """Crops by picture, None for the whole picture; `for_all` carries the one to every picture."""

    crops: dict[uuid.UUID, CropBox | None]
    for_all: bool = False


def read_crops(body: bytes) -> CropCommand:
    """The crops in a request body; raises Invalid for anything else."""
    try:
        data = json.loads(body)
        crops = {uuid.UUID(key): _crop(value) for key, value in data["crops"].items()}
        for_all = bool(data.get("for_all", False))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unread() from error
    is_one = len(crops) == 1 and None not in crops.values()
    if not 0 < len(crops) <= settings.DATASET_MAX_ITEMS or (for_all and not is_one):
        raise _unread()
    return CropCommand(crops, for_all)


def _unread() -> Invalid:
    return Invalid(_("The crop could not be read. Reload the page."))


def _crop(value: Any) -> CropBox | None:
    if value is None:
        return None
    x, y, width, height = value
    if not all(type(number) is int for number in value):
        raise TypeError(value)
    return CropBox(x, y, width, height)
