"""A model's card as plain text, field by field, as its history keeps and compares it."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from models_registry.models.model import Model
from models_registry.models.version import ModelVersion

USAGE = ("clip_skip", "sampler", "steps", "cfg_scale", "width", "height")
WEIGHTS = ("weight_min", "weight_default", "weight_max")
TERMS = ("allow_no_credit", "allow_derivatives", "allow_different_license")


def card_fields(model_id: int) -> Mapping[str, str]:
    """Every filled field of the card; those of version 3 are called `3.name`, `3.description`, …"""
    model = (
        Model.objects.defer("search", "search_words")
        .prefetch_related("model_tags__tag", "versions__trigger_word_sets__words")
        .prefetch_related("versions__base_model")
        .get(pk=model_id)
    )
    fields = dict(_of_model(model))
    for version in sorted(model.versions.all(), key=lambda row: row.index):
        fields |= {f"{version.index}.{name}": text for name, text in _of_version(version)}
    return {name: text for name, text in fields.items() if text}


def _of_model(model: Model) -> Iterator[tuple[str, str]]:
    yield "name", model.name
    yield "type", model.type
    yield "subject", model.subject
    yield "tags", ", ".join(model.tag_names)
    yield "visibility", model.visibility
    yield "licence", model.licence
    switches = [name for name in TERMS if getattr(model, name)]
    yield "terms", ", ".join([*switches, *sorted(model.allow_commercial_use)])
    yield "description", model.description


def _of_version(version: ModelVersion) -> Iterator[tuple[str, str]]:
    yield "name", version.name
    yield "base_model", version.base_model.name if version.base_model else ""
    yield "trigger_words", ", ".join(version.trained_words)
    yield "weight", " / ".join(_text(getattr(version, name)) or "–" for name in WEIGHTS)
    for name in USAGE:
        yield name, _text(getattr(version, name))
    yield "usage_tips", version.usage_tips
    yield "description", version.description
    yield "changelog", version.changelog


def _text(value: object) -> str:
    """Numbers as people write them, however many zeros the column keeps."""
    if isinstance(value, Decimal | float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)
