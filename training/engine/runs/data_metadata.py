"""What a file's header says of the pictures it learned from, in kohya's ss_ keys.

Counts of pictures include their repeats, as in kohya's own files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from training.engine.config.sections import CaptionConfig
from training.engine.config.train import TrainConfig
from training.engine.data.captions import in_one_line
from training.engine.data.manifest import Manifest, ManifestImage

Size = tuple[int, int]


@dataclass(frozen=True)
class UsedPicture:
    """A picture of a run: its size before it was cut, its bucket, and how often it is shown."""

    size: Size
    bucket: Size
    repeats: int

    @property
    def aspect_error(self) -> float:
        """Return how far the shape of the bucket is from that of the picture."""
        width, height = self.size
        return abs(self.bucket[0] / self.bucket[1] - width / height) if height else 0.0


@dataclass(frozen=True)
class DataFacts:
    """The data set of a run as it was used."""

    manifest: Manifest
    manifest_sha256: str
    pictures: tuple[UsedPicture, ...]
    class_images: int = 0
    held_out_images: int = 0

    @property
    def shown(self) -> int:
        """Return how many pictures an epoch shows."""
        return sum(picture.repeats for picture in self.pictures)

    @property
    def buckets(self) -> Mapping[Size, int]:
        """Return how many pictures an epoch shows at each size, in the order of the sizes."""
        counts: Counter[Size] = Counter()
        for picture in self.pictures:
            counts[picture.bucket] += picture.repeats
        return dict(sorted(counts.items()))


def data_metadata(config: TrainConfig, facts: DataFacts, *, processes: int) -> dict[str, Any]:
    """Return the keys of the data set and of how it was shown, by `processes` at once."""
    captions, buckets = config.captions, config.buckets
    batch = config.batch_size * processes * config.gradient_accumulation
    return {
        "ss_num_train_images": facts.shown,
        "ss_num_reg_images": facts.class_images,
        "ss_num_validation_images": facts.held_out_images,
        "ss_caption_dropout_rate": captions.dropout,
        "ss_caption_dropout_every_n_epochs": captions.dropout_every_epochs,
        "ss_caption_tag_dropout_rate": captions.tag_dropout,
        "ss_batch_size_per_device": config.batch_size,
        "ss_total_batch_size": batch,
        "ss_resolution": f"({config.resolution}, {config.resolution})",
        "ss_color_aug": config.colour_augmentation,
        "ss_flip_aug": config.flip,
        "ss_random_crop": config.crop == "random",
        "ss_face_crop_aug_range": None,
        "ss_resize_interpolation": "lanczos",
        "ss_shuffle_caption": captions.shuffle,
        "ss_keep_tokens": captions.keep_tokens,
        "ss_enable_bucket": buckets.enabled,
        "ss_bucket_no_upscale": not buckets.upscale,
        "ss_min_bucket_reso": buckets.min_side or config.resolution // 2,
        "ss_max_bucket_reso": buckets.max_side or config.resolution * 2,
        "ss_bucket_info": _bucket_info(facts),
        **_folders(facts.manifest, captions),
    }


def _bucket_info(facts: DataFacts) -> dict[str, Any]:
    errors = [picture.aspect_error for picture in facts.pictures]
    return {
        "buckets": {
            str(number): {"resolution": list(size), "count": count}
            for number, (size, count) in enumerate(facts.buckets.items())
        },
        "mean_img_ar_error": sum(errors) / len(errors) if errors else 0.0,
    }


def _folders(manifest: Manifest, captions: CaptionConfig) -> dict[str, Any]:
    """Return the folders, with their repeats, and the words of each."""
    training = _by_folder(manifest.training, manifest.name or "dataset")
    classes = _by_folder(manifest.regularisation, "reg")
    return {
        "ss_dataset_dirs": {name: _folder(images) for name, images in training.items()},
        "ss_reg_dataset_dirs": {name: _folder(images) for name, images in classes.items()},
        "ss_tag_frequency": {
            name: _tag_frequency(images, captions) for name, images in training.items()
        },
    }


def _by_folder(images: Iterable[ManifestImage], name: str) -> dict[str, list[ManifestImage]]:
    """Group pictures by their folders; those without any, by how often they are shown."""
    images = list(images)
    several = len({image.repeats for image in images}) > 1
    found: dict[str, list[ManifestImage]] = {}
    for image in images:
        own = image.folder or (f"{image.repeats}_{name}" if several else name)
        found.setdefault(own, []).append(image)
    return found


def _folder(images: list[ManifestImage]) -> dict[str, int]:
    return {"n_repeats": images[0].repeats, "img_count": len(images)}


def _tag_frequency(images: list[ManifestImage], captions: CaptionConfig) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for image in images:
        text = image.caption
        if not captions.wildcards:
            text = in_one_line(text, captions.separator)
        if captions.keep_separator:
            text = text.replace(captions.keep_separator, captions.separator)
        counts.update(tag.strip() for tag in text.split(captions.separator) if tag.strip())
    return dict(counts.most_common())
