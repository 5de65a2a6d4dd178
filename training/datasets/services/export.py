"""A dataset as the zip file that kohya's trainers and our own import read."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from hub.accounts.models import User
from hub.core.errors import NotFound
from hub.storage.blobs import open_blob, scratch_folder, store_path
from hub.storage.models import Blob
from training.datasets.manifest import SUFFIXES
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.permissions import can_see_dataset
from training.datasets.picture import to_rgb
from training.datasets.queries import items_of

EARLIEST_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold: equal content, equal bytes
_UNFIT = re.compile(r"[^\w.\- ]+")


def export_dataset(*, actor: User, dataset: Dataset) -> Blob:
    """A zip of `<repeats>_<trigger>/NNNN_name.png` with a `.txt` caption beside each picture.

    Pictures are the original bytes; one with a crop is cut and written as PNG. Raises NotFound.
    """
    if not can_see_dataset(actor, dataset):
        raise NotFound(_("There is no such dataset."))
    with tempfile.NamedTemporaryFile(dir=scratch_folder(), suffix=".zip", delete=False) as file:
        path = Path(file.name)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for number, item in enumerate(items_of(dataset), start=1):
                _write_item(archive, dataset, item, number)
    return store_path(path, content_type="application/zip", move=True)


def export_name(dataset: Dataset) -> str:
    """File name of the download."""
    return f"{dataset.slug}.zip"


def _write_item(archive: zipfile.ZipFile, dataset: Dataset, item: Item, number: int) -> None:
    words = _UNFIT.sub("_", dataset.trigger_word or dataset.slug).strip() or "images"
    stem = _UNFIT.sub("_", PurePosixPath(item.filename).stem)[:80]
    place = f"{item.repeats}_{words}/{number:04d}_{stem}"
    data, suffix = _picture_bytes(item)
    _write(archive, f"{place}{suffix}", data)
    if item.caption:
        _write(archive, f"{place}.txt", item.caption.encode())


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, date_time=EARLIEST_DATE), data)


def _picture_bytes(item: Item) -> tuple[bytes, str]:
    with open_blob(item.blob) as file:
        if item.crop is None:
            return file.read(), SUFFIXES.get(item.blob.content_type, ".png")
        with Image.open(file) as opened:
            opened.load()
            upright = ImageOps.exif_transpose(opened) or opened
            left, top, width, height = item.crop
            cut = to_rgb(upright).crop((left, top, left + width, top + height))
    out = io.BytesIO()
    cut.save(out, "PNG")
    return out.getvalue(), ".png"
