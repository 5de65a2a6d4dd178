"""What a trainer wrote into a safetensors header: kohya's `ss_*` keys and `modelspec.*`.

All values are text; kohya stringifies with `str()` ("None", "True") and writes some as JSON. A
value that can't be read is left out: metadata is a statement of the trainer, never a condition.
Modelspec: https://github.com/Stability-AI/ModelSpec
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hub.formats.base_model_names import base_model_name
from hub.formats.captions import split_tags

ABSENT_TEXTS = frozenset({"", "None", "none", "null"})
INTEGER = re.compile(r"-?[0-9]{1,18}")
RESOLUTION = re.compile(r"\(?\s*([0-9]{1,6})\s*[,xX]\s*([0-9]{1,6})\s*\)?")
REPEATS_FOLDER = re.compile(r"[0-9]{1,6}_(.*)", re.DOTALL)
MAX_SUGGESTED_WORDS = 10


@dataclass(frozen=True, slots=True)
class DatasetDirectory:
    """One training folder, for example `10_inkwash`."""

    name: str
    repeats: int
    image_count: int


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """The stated facts about a model; None or empty where the header says nothing."""

    title: str | None = None
    description: str | None = None
    author: str | None = None
    license: str | None = None
    tags: tuple[str, ...] = ()
    usage_hint: str | None = None
    output_name: str | None = None
    comment: str | None = None
    architecture: str | None = None
    prediction_type: str | None = None
    base_model: str | None = None
    base_model_version: str | None = None
    sd_model_name: str | None = None
    sd_model_hash: str | None = None
    network_module: str | None = None
    network_dim: int | None = None
    network_alpha: float | None = None
    network_args: Mapping[str, str] = field(default_factory=dict)
    resolution: tuple[int, int] | None = None
    steps: int | None = None
    epochs: int | None = None
    clip_skip: int | None = None
    seed: int | None = None
    learning_rate: float | None = None
    optimizer: str | None = None
    image_count: int | None = None
    trigger_words: tuple[str, ...] = ()
    tag_frequency: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    dataset_dirs: tuple[DatasetDirectory, ...] = ()

    def tag_totals(self) -> Counter[str]:
        """How often every tag was seen, over all folders."""
        totals: Counter[str] = Counter()
        for counts in self.tag_frequency.values():
            totals.update(counts)
        return totals

    def suggested_trigger_words(self) -> tuple[str, ...]:
        """Return the stated trigger words, or those that the dataset makes likely.

        These are tags that every image of a folder carries, else the folder's own name.
        """
        if self.trigger_words:
            return self.trigger_words
        words = [*self._tags_of_every_image()] or [*self._folder_names()]
        return tuple(dict.fromkeys(words))[:MAX_SUGGESTED_WORDS]

    def _tags_of_every_image(self) -> Iterator[str]:
        for directory in self.dataset_dirs:
            counts = self.tag_frequency.get(directory.name, {})
            if directory.image_count > 0:
                yield from (tag for tag, n in counts.items() if n >= directory.image_count)

    def _folder_names(self) -> Iterator[str]:
        for directory in self.dataset_dirs:
            match = REPEATS_FOLDER.fullmatch(directory.name)
            if match and match[1].strip():
                yield match[1].strip()


def read_model_metadata(metadata: Mapping[str, str]) -> ModelMetadata:
    """Read the metadata of a header; never raises, whatever the values are."""
    ss = _Reader(metadata, "ss_")
    spec = _Reader(metadata, "modelspec.")
    return ModelMetadata(
        title=spec.text("title"),
        description=spec.text("description"),
        author=spec.text("author"),
        license=spec.text("license"),
        tags=split_tags(spec.text("tags") or ""),
        usage_hint=spec.text("usage_hint"),
        output_name=ss.text("output_name"),
        comment=ss.text("training_comment"),
        architecture=spec.text("architecture"),
        prediction_type=spec.text("prediction_type"),
        base_model=base_model_name(metadata),
        base_model_version=ss.text("base_model_version"),
        sd_model_name=ss.text("sd_model_name"),
        sd_model_hash=ss.text("new_sd_model_hash") or ss.text("sd_model_hash"),
        network_module=ss.text("network_module"),
        network_dim=ss.integer("network_dim"),
        network_alpha=ss.number("network_alpha"),
        network_args={
            key: whole_text(str(value)) for key, value in ss.mapping("network_args").items()
        },
        resolution=_resolution(ss.text("resolution")) or _resolution(spec.text("resolution")),
        steps=ss.integer("steps"),
        epochs=ss.integer("epoch") or ss.integer("num_epochs"),
        clip_skip=ss.integer("clip_skip") or spec.integer("encoder_layer"),
        seed=ss.integer("seed"),
        learning_rate=ss.number("unet_lr") or ss.number("learning_rate"),
        optimizer=ss.text("optimizer"),
        image_count=ss.integer("num_train_images"),
        trigger_words=split_tags(spec.text("trigger_phrase") or ""),
        tag_frequency=_tag_frequency(ss.mapping("tag_frequency")),
        dataset_dirs=_dataset_dirs(ss.mapping("dataset_dirs")),
    )


def whole_text(text: str) -> str:
    """Text that can be stored and sent: without NUL, and without halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _with_whole_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {whole_text(key): value for key, value in pairs}


class _Reader:
    """Reads the values behind one prefix."""

    def __init__(self, metadata: Mapping[str, str], prefix: str) -> None:
        self._metadata = metadata
        self._prefix = prefix

    def text(self, key: str) -> str | None:
        value = whole_text(self._metadata.get(self._prefix + key, "")).strip()
        return None if value in ABSENT_TEXTS else value

    def integer(self, key: str) -> int | None:
        value = self.text(key)
        return int(value) if value and INTEGER.fullmatch(value) else None

    def number(self, key: str) -> float | None:
        try:
            value = float(self.text(key) or "")
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def mapping(self, key: str) -> Mapping[str, object]:
        try:
            value = json.loads(self.text(key) or "{}", object_pairs_hook=_with_whole_keys)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


def _resolution(text: str | None) -> tuple[int, int] | None:
    match = RESOLUTION.fullmatch(text or "")
    if match:
        return int(match[1]), int(match[2])
    side = int(text) if text and INTEGER.fullmatch(text) else 0
    return (side, side) if side > 0 else None


def _tag_frequency(value: Mapping[str, object]) -> Mapping[str, Mapping[str, int]]:
    """Read `{folder: {tag: count}}`; kohya strips neither, so tags are trimmed and summed here."""
    result: dict[str, Mapping[str, int]] = {}
    for folder, counts in value.items():
        if isinstance(counts, dict):
            trimmed: Counter[str] = Counter()
            for tag, count in counts.items():
                if type(count) is int and count > 0 and tag.strip():
                    trimmed[tag.strip()] += count
            result[folder] = dict(trimmed)
    return result


def _dataset_dirs(value: Mapping[str, object]) -> tuple[DatasetDirectory, ...]:
    found = []
    for name, entry in value.items():
        if isinstance(entry, dict):
            repeats, images = entry.get("n_repeats"), entry.get("img_count")
            if type(repeats) is int and type(images) is int:
                found.append(DatasetDirectory(name, repeats, images))
    return tuple(found)
