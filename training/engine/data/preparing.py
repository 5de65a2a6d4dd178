"""From a manifest to items with latents; pictures that cannot be used are named and left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import numpy as np
import torch
from PIL import Image

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.data.batches import Item, View
from training.engine.data.buckets import BucketRule, bucket_table, choose_bucket
from training.engine.data.colours import VARIANTS, recoloured
from training.engine.data.encoding_room import EncodingRoom
from training.engine.data.focus import focal_point
from training.engine.data.latents import Latent, LatentCache
from training.engine.data.manifest import ManifestImage, some_of
from training.engine.data.names import name_of
from training.engine.data.pictures import (
    CONVERSIONS,
    CutPicture,
    cut,
    cut_mask,
    inside,
    open_mask,
    open_picture,
)
from training.engine.errors import DatasetError
from training.engine.files.file_writing import file_hash


@dataclass(frozen=True)
class Preparing:
    """Turns pictures into items; `on_progress(done, total)`, `on_skip(sentence)` report."""

    config: TrainConfig
    components: Components
    cache: LatentCache
    room: EncodingRoom
    on_progress: Callable[[int, int], None]
    on_skip: Callable[[str], None]
    on_conversions: Callable[[str], None]
    _converted: dict[str, list[str]] = field(default_factory=dict)

    def items(self, images: list[ManifestImage], *, fixed: bool = False) -> list[Item]:
        """Return the items of pictures; `fixed` ones are never shown in other colours.

        Raises DatasetError where none is left, OutOfMemoryError.
        """
        found = []
        with self.room.opened():
            for number, image in enumerate(images):
                try:
                    found.append(self._item(image, None, fixed=fixed))
                except DatasetError as error:
                    self.on_skip(str(error))
                self.on_progress(number + 1, len(images))
        self._tell_conversions()
        if not found:
            raise DatasetError("None of the data set's pictures can be used; see the warnings.")
        return found

    def _tell_conversions(self) -> None:
        """Report what was done to pictures of other kinds, one sentence for each kind."""
        for conversion, words in CONVERSIONS.items():
            names = self._converted.pop(conversion, [])
            if names:
                self.on_conversions(f"{words}: {some_of(names)}.")

    def class_items(
        self, images: list[ManifestImage], buckets: set[tuple[int, int]]
    ) -> dict[tuple[int, int], list[Item]]:
        """Return the class pictures cut to every bucket in use, so that each batch finds some."""
        found: dict[tuple[int, int], list[Item]] = {}
        pairs = list(product(sorted(buckets), images))
        with self.room.opened():
            for number, (bucket, image) in enumerate(pairs):
                try:
                    found.setdefault(bucket, []).append(self._item(image, bucket, fixed=True))
                except DatasetError as error:
                    self.on_skip(str(error))
                self.on_progress(number + 1, len(pairs))
        return found

    def _rule(self) -> BucketRule:
        buckets = self.config.buckets
        return BucketRule(
            resolution=self.config.resolution,
            enabled=buckets.enabled,
            step=max(buckets.step, self.components.downscale),
            min_side=buckets.min_side,
            max_side=buckets.max_side,
            upscale=buckets.upscale,
        )

    def _item(self, image: ManifestImage, bucket: tuple[int, int] | None, *, fixed: bool) -> Item:
        picture = open_picture(image.path, on_conversion=partial(self._note, image))
        left, top, right, bottom = inside(image.crop, picture.size)
        size = (right - left, bottom - top)
        rule = self._rule()
        bucket = bucket or choose_bucket(size, rule, bucket_table(rule))
        focus = self._focus(picture, image)
        shown = _Shown(image, bucket, cut(picture, image.crop, bucket, focus), focus)
        sha256 = image.sha256 or file_hash(image.path)
        copies = VARIANTS if self.config.colour_augmentation and not fixed else 0
        views = [self._view(shown, sha256, number) for number in range(copies + 1)]
        return Item(
            id=image.id,
            caption=image.caption,
            bucket=bucket,
            latent=views[0].latent,
            mirrored=views[0].mirrored,
            recoloured=tuple(views[1:]),
            repeats=image.repeats,
            mask=self._mask(shown),
            original_size=shown.part.original_size,
            offset=shown.part.offset,
            regularisation=image.regularisation,
        )

    def _note(self, image: ManifestImage, conversion: str) -> None:
        self._converted.setdefault(conversion, []).append(name_of(image.path))

    def _focus(self, picture: Image.Image, image: ManifestImage) -> tuple[float, float]:
        if self.config.crop == "centre":
            return (0.5, 0.5)
        return focal_point(picture.crop(inside(image.crop, picture.size)))

    def _view(self, shown: _Shown, sha256: str, number: int) -> View:
        """Return a picture as it is (0), or in other colours, with its mirror where asked."""

        def pixels() -> np.ndarray:
            return recoloured(shown.part.pixels, sha256, number) if number else shown.part.pixels

        key = f"{sha256} in colours {number}" if number else sha256
        latent = self._latent(shown, key, pixels, flipped=False)
        mirrors = self.config.flip and not shown.image.regularisation
        return View(latent, self._latent(shown, key, pixels, flipped=True) if mirrors else None)

    def _latent(
        self, shown: _Shown, key: str, pixels: Callable[[], np.ndarray], *, flipped: bool
    ) -> Latent:
        def encoded() -> Latent:
            where = (shown.cache_crop, shown.bucket)
            return self.cache.get(key, *where, flipped=flipped, pixels=pixels)

        found = self.room.encode(encoded)
        if not torch.isfinite(found.mean).all():
            raise DatasetError(
                f"The VAE makes infinite numbers of {name_of(shown.image.path)}, so it is left out."
            )
        return found

    def _mask(self, shown: _Shown) -> torch.Tensor | None:
        """Return the weight of each place: of the mask file, or of the alpha channel if asked."""
        image, found = shown.image, None
        if image.mask is not None:
            found = open_mask(image.mask)
        elif self.config.alpha_masks:
            found = open_mask(image.path, of_alpha=True)
        if found is None:
            return None
        scale = self.components.downscale
        latent = (shown.bucket[1] // scale, shown.bucket[0] // scale)
        weights = cut_mask(found, image.crop, shown.bucket, latent, shown.focus)
        return torch.from_numpy(weights.copy())[None]


@dataclass(frozen=True)
class _Shown:
    """A picture cut to its bucket, around its focus."""

    image: ManifestImage
    bucket: tuple[int, int]
    part: CutPicture
    focus: tuple[float, float]

    @property
    def cache_crop(self) -> tuple[int, ...] | None:
        """Return what names the cut in the cache; where it is cut elsewhere, the place too."""
        if self.focus == (0.5, 0.5):
            return self.image.crop
        return (*(self.image.crop or ()), *self.part.offset)
