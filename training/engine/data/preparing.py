"""From a manifest to items with latents; pictures that cannot be used are named and left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from training.engine.components import Components
from training.engine.config import TrainConfig
from training.engine.data.batches import Item
from training.engine.data.buckets import BucketRule, bucket_table, choose_bucket
from training.engine.data.latents import Latent, LatentCache
from training.engine.data.manifest import ManifestImage
from training.engine.data.pictures import CutPicture, cut, cut_mask, inside, open_picture
from training.engine.errors import DatasetError
from training.engine.file_writing import file_hash


@dataclass(frozen=True)
class Preparing:
    """Turns pictures into items; `on_progress(done, total)`, `on_skip(sentence)` report."""

    config: TrainConfig
    components: Components
    cache: LatentCache
    on_progress: Callable[[int, int], None]
    on_skip: Callable[[str], None]

    def items(self, images: list[ManifestImage]) -> list[Item]:
        """Return the items of the training pictures. Raises DatasetError where none is left."""
        found = []
        for number, image in enumerate(images):
            try:
                found.append(self._item(image, None))
            except DatasetError as error:
                self.on_skip(str(error))
            self.on_progress(number + 1, len(images))
        if not found:
            raise DatasetError("None of the data set's pictures can be used; see the warnings.")
        return found

    def class_items(
        self, images: list[ManifestImage], buckets: set[tuple[int, int]]
    ) -> dict[tuple[int, int], list[Item]]:
        """Return the class pictures cut to every bucket in use, so that each batch finds some."""
        found: dict[tuple[int, int], list[Item]] = {}
        for bucket in sorted(buckets):
            for image in images:
                try:
                    found.setdefault(bucket, []).append(self._item(image, bucket))
                except DatasetError as error:
                    self.on_skip(str(error))
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

    def _item(self, image: ManifestImage, bucket: tuple[int, int] | None) -> Item:
        picture = open_picture(image.path)
        left, top, right, bottom = inside(image.crop, picture.size)
        size = (right - left, bottom - top)
        rule = self._rule()
        bucket = bucket or choose_bucket(size, rule, bucket_table(rule))
        part = cut(picture, image.crop, bucket)
        sha256 = image.sha256 or file_hash(image.path)
        mirrored = self.config.flip and not image.regularisation
        return Item(
            id=image.id,
            caption=image.caption,
            bucket=bucket,
            latent=self._latent(image, sha256, bucket, part, flipped=False),
            mirrored=self._latent(image, sha256, bucket, part, flipped=True) if mirrored else None,
            repeats=image.repeats,
            mask=self._mask(image, bucket),
            original_size=part.original_size,
            offset=part.offset,
            regularisation=image.regularisation,
        )

    def _latent(
        self,
        image: ManifestImage,
        sha256: str,
        bucket: tuple[int, int],
        part: CutPicture,
        *,
        flipped: bool,
    ) -> Latent:
        latent = self.cache.get(
            sha256, image.crop, bucket, flipped=flipped, pixels=lambda: part.pixels
        )
        if not torch.isfinite(latent.mean).all():
            raise DatasetError(
                f"The VAE makes infinite numbers of {image.path.name}, so it is left out."
            )
        return latent

    def _mask(self, image: ManifestImage, bucket: tuple[int, int]) -> torch.Tensor | None:
        if image.mask is None:
            return None
        scale = self.components.downscale
        latent = (bucket[1] // scale, bucket[0] // scale)
        return torch.from_numpy(cut_mask(image.mask, image.crop, bucket, latent).copy())[None]
