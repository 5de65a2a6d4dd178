"""From a manifest to items with latents; pictures that cannot be used are named and left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import product

import numpy as np
import torch
from PIL import Image

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.data.batches import Item, View
from training.engine.data.buckets import BucketRule, bucket_table, choose_bucket
from training.engine.data.colours import recoloured
from training.engine.data.cuts import random_focuses
from training.engine.data.encoding_room import EncodingRoom
from training.engine.data.focus import focal_point
from training.engine.data.latents import Latent, LatentCache
from training.engine.data.manifest import ManifestImage, some_of
from training.engine.data.names import name_of
from training.engine.data.pictures import (
    CONVERSIONS,
    covered,
    covering,
    cut,
    cut_mask,
    cut_start,
    inside,
    open_mask,
    open_picture,
)
from training.engine.errors import DatasetError
from training.engine.files.file_writing import file_hash
from training.engine.looks import look_count

Focus = tuple[float, float]  # (x, y), each a share of its side


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
        source = _Source(image, region, bucket, image.sha256 or file_hash(image.path))
        shown = self._looks(source, fixed=fixed)
        weights = self._weights(source, {focus for focus, _ in shown})
        return Item(
            id=image.id,
            caption=image.caption,
            bucket=bucket,
            views=tuple(
                self._view(_Look(source, focus, colours), weights.get(focus))
                for focus, colours in shown
            ),
            repeats=image.repeats,
            original_size=region.size,
            regularisation=image.regularisation,
        )

    def _note(self, image: ManifestImage, conversion: str) -> None:
        self._converted.setdefault(conversion, []).append(name_of(image.path))

    def _looks(self, source: _Source, *, fixed: bool) -> list[tuple[Focus, int]]:
        """Return around what a picture is cut and how it is coloured (0 as it is), for each look.

        A `fixed` one has one look, and none that is left to chance.
        """
        focuses, picture = [(0.5, 0.5)], source.region
        if self.config.crop == "focal":
            focuses = [focal_point(picture)]
        elif self.config.crop == "random" and not fixed:
            focuses = random_focuses(picture.size, source.bucket, source.sha256)
        coloured = self.config.colour_augmentation and not fixed
        count = look_count(len(focuses), coloured=coloured)
        return [(focuses[n % len(focuses)], n if coloured else 0) for n in range(count)]

    def _view(self, look: _Look, weights: torch.Tensor | None) -> View:
        """Return one look of a picture, with its mirror where asked."""
        mirrors = self.config.flip and not look.source.image.regularisation
        return View(
            self._latent(look, flipped=False),
            self._latent(look, flipped=True) if mirrors else None,
            weights,
            look.offset,
            look.mirrored_offset,
        )

    def _latent(self, look: _Look, *, flipped: bool) -> Latent:
        def encoded() -> Latent:
            where = (look.cache_crop, look.source.bucket)
            return self.cache.get(
                look.cache_key, *where, flipped=flipped, pixels=lambda: look.pixels
            )

        found = self.room.encode(encoded)
        if not torch.isfinite(found.mean).all():
            name = name_of(look.source.image.path)
            raise DatasetError(f"The VAE makes infinite numbers of {name}, so it is left out.")
        return found

    def _mask(self, image: ManifestImage) -> Image.Image | None:
        """Return the mask file of a picture, or its alpha channel if asked."""
        if image.mask is not None:
            return open_mask(image.mask)
        return open_mask(image.path, of_alpha=True) if self.config.alpha_masks else None

    def _weights(self, source: _Source, focuses: set[Focus]) -> dict[Focus, torch.Tensor]:
        """Return the weight of each place around each focus, (1, h, w) of its latent."""
        mask = self._mask(source.image)
        if mask is None:
            return {}
        bucket, scale = source.bucket, self.components.downscale
        latent = (bucket[1] // scale, bucket[0] // scale)
        whole = covered(mask, source.image.crop, bucket)
        return {
            focus: torch.from_numpy(cut_mask(whole, None, bucket, latent, focus).copy())[None]
            for focus in focuses
        }


@dataclass(frozen=True)
class _Source:
    """A picture's part to learn from, and the bucket that it is cut to."""

    image: ManifestImage
    region: Image.Image
    bucket: tuple[int, int]
    sha256: str

    @cached_property
    def whole(self) -> Image.Image:
        """Return the part at the least size that covers the bucket."""
        return covered(self.region, None, self.bucket)


@dataclass(frozen=True)
class _Look:
    """A source cut to its bucket, around a focus, in one of its colours."""

    source: _Source
    focus: Focus
    colours: int

    @cached_property
    def pixels(self) -> np.ndarray:
        """Return the pixels (h, w, 3) in uint8."""
        plain = cut(self.source.whole, None, self.source.bucket, self.focus).pixels
        return recoloured(plain, self.source.sha256, self.colours) if self.colours else plain

    @property
    def offset(self) -> tuple[int, int]:
        """Return where the cut begins (left, top), in pixels of the whole."""
        size = covering(self.source.region.size, self.source.bucket)
        return cut_start(size, self.source.bucket, self.focus)

    @property
    def mirrored_offset(self) -> tuple[int, int]:
        """Return the same in the mirrored picture."""
        width = covering(self.source.region.size, self.source.bucket)[0]
        left, top = self.offset
        return (width - self.source.bucket[0] - left, top)

    @property
    def cache_key(self) -> str:
        """Return what names the picture and its colours in the cache."""
        sha256 = self.source.sha256
        return f"{sha256} in colours {self.colours}" if self.colours else sha256

    @property
    def cache_crop(self) -> tuple[int, ...] | None:
        """Return what names the cut in the cache; where it is cut elsewhere, the place too."""
        crop = self.source.image.crop
        return crop if self.focus == (0.5, 0.5) else (*(crop or ()), *self.offset)
