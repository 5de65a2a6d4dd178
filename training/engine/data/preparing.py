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
from training.engine.data.cuts import random_focuses
from training.engine.data.encoding_room import EncodingRoom
from training.engine.data.focus import focal_point
from training.engine.data.latents import Latent, LatentCache
from training.engine.data.manifest import ManifestImage, some_of
from training.engine.data.names import name_of
from training.engine.data.pictures import (
    CONVERSIONS,
    CutPicture,
    covered,
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
        region = picture.crop(inside(image.crop, picture.size)) if image.crop else picture
        rule = self._rule()
        bucket = bucket or choose_bucket(region.size, rule, bucket_table(rule))
        sha256 = image.sha256 or file_hash(image.path)
        whole = covered(region, None, bucket)
        mask = self._mask(image)
        shown = [
            _Look(image, bucket, cut(whole, None, bucket, focus), focus, colours, mask)
            for focus, colours in self._looks(region, bucket, sha256, fixed=fixed)
        ]
        return Item(
            id=image.id,
            caption=image.caption,
            bucket=bucket,
            views=tuple(self._view(look, sha256) for look in shown),
            repeats=image.repeats,
            original_size=region.size,
            regularisation=image.regularisation,
        )

    def _note(self, image: ManifestImage, conversion: str) -> None:
        self._converted.setdefault(conversion, []).append(name_of(image.path))

    def _looks(
        self, picture: Image.Image, bucket: tuple[int, int], sha256: str, *, fixed: bool
    ) -> list[tuple[tuple[float, float], int]]:
        """Return around what a picture is cut and how it is coloured (0 as it is), for each look.

        A `fixed` one has one look, and none that is left to chance.
        """
        focuses, colours = [(0.5, 0.5)], 1
        if self.config.crop == "focal":
            focuses = [focal_point(picture)]
        elif self.config.crop == "random" and not fixed:
            focuses = random_focuses(picture.size, bucket, sha256)
        if self.config.colour_augmentation and not fixed:
            colours = max(VARIANTS + 1, len(focuses))
        count = max(len(focuses), colours)
        return [(focuses[n % len(focuses)], n % colours) for n in range(count)]

    def _view(self, look: _Look, sha256: str) -> View:
        """Return one look of a picture, with its mirror where asked."""

        def pixels() -> np.ndarray:
            plain = look.part.pixels
            return recoloured(plain, sha256, look.colours) if look.colours else plain

        key = f"{sha256} in colours {look.colours}" if look.colours else sha256
        mirrors = self.config.flip and not look.image.regularisation
        return View(
            self._latent(look, key, pixels, flipped=False),
            self._latent(look, key, pixels, flipped=True) if mirrors else None,
            self._weights(look),
            look.part.offset,
            look.part.mirrored_offset,
        )

    def _latent(
        self, look: _Look, key: str, pixels: Callable[[], np.ndarray], *, flipped: bool
    ) -> Latent:
        def encoded() -> Latent:
            where = (look.cache_crop, look.bucket)
            return self.cache.get(key, *where, flipped=flipped, pixels=pixels)

        found = self.room.encode(encoded)
        if not torch.isfinite(found.mean).all():
            raise DatasetError(
                f"The VAE makes infinite numbers of {name_of(look.image.path)}, so it is left out."
            )
        return found

    def _mask(self, image: ManifestImage) -> Image.Image | None:
        """Return the mask file of a picture, or its alpha channel if asked."""
        if image.mask is not None:
            return open_mask(image.mask)
        return open_mask(image.path, of_alpha=True) if self.config.alpha_masks else None

    def _weights(self, look: _Look) -> torch.Tensor | None:
        """Return the weight of each place of a look, (1, h, w) of its latent."""
        if look.mask is None:
            return None
        scale = self.components.downscale
        latent = (look.bucket[1] // scale, look.bucket[0] // scale)
        weights = cut_mask(look.mask, look.image.crop, look.bucket, latent, look.focus)
        return torch.from_numpy(weights.copy())[None]


@dataclass(frozen=True)
class _Look:
    """A picture cut to its bucket, around a focus, in one of its colours."""

    image: ManifestImage
    bucket: tuple[int, int]
    part: CutPicture
    focus: tuple[float, float]
    colours: int
    mask: Image.Image | None

    @property
    def cache_crop(self) -> tuple[int, ...] | None:
        """Return what names the cut in the cache; where it is cut elsewhere, the place too."""
        if self.focus == (0.5, 0.5):
            return self.image.crop
        return (*(self.image.crop or ()), *self.part.offset)
