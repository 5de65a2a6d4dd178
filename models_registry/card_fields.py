"""A model's card as plain text, field by field, as its history keeps and compares it."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from models_registry.models.base_model import BaseModelType
from models_registry.models.model import ONLY_ASKED, Model
from models_registry.models.version import ModelVersion

USAGE = ("clip_skip", "sampler", "steps", "width", "height")
TRAINING = ("network_dim", "network_alpha", "epochs", "training_steps")
WEIGHTS = ("weight_min", "weight_default", "weight_max")
CFG = ("cfg_min", "cfg_scale", "cfg_max")
TERMS = ("allow_no_credit", "allow_derivatives", "allow_different_license")


def card_fields(model_id: int) -> Mapping[str, str]:
    """Every filled field of the card; those of version 3 are called `3.name`, `3.description`, …"""
    model = (
        Model.objects.select_related("team")
        .defer(*ONLY_ASKED)
        .prefetch_related("model_tags__tag", "versions__trigger_word_sets__words")
        .prefetch_related("versions__base_model", "versions__recommended_resources")
        .prefetch_related("versions__example_prompts")
        .get(pk=model_id)
    )
    fields = dict(_of_model(model))
    for version in sorted(model.versions.all(), key=lambda row: row.index):
        fields |= {f"{version.index}.{name}": text for name, text in _of_version(version)}
    return {name: text for name, text in fields.items() if text}


def _of_model(model: Model) -> Iterator[tuple[str, str]]:
    yield "name", model.name
    yield "type", model.type
    yield "checkpoint_type", model.checkpoint_type
    yield "subject", model.subject
    yield "tags", ", ".join(model.tag_names)
    yield "visibility", model.visibility
    yield "team", model.team.name if model.team else ""
    yield "licence", model.licence
    switches = [name for name in TERMS if getattr(model, name)]
    yield "terms", ", ".join([*switches, *sorted(model.allow_commercial_use)])
    yield "description", model.description


def _of_version(version: ModelVersion) -> Iterator[tuple[str, str]]:
    yield "name", version.name
    yield "base_model", version.base_model.name if version.base_model else ""
    is_usual = version.base_model_type == BaseModelType.STANDARD
    yield "base_model_type", "" if is_usual else version.base_model_type
    yield "trigger_words", "\n".join(_word_sets(version))
    yield "weight", _band(version, WEIGHTS)
    yield "cfg_scale", _band(version, CFG)
    yield "cfg_note", version.cfg_note
    for name in (*USAGE, *TRAINING):
        yield name, _text(getattr(version, name))
    for name in ("usage_tips", "prompt_advice", "negative_advice"):
        yield name, getattr(version, name)
    yield "resources", "\n".join(_resources(version))
    yield "examples", "\n\n".join(_examples(version))
    yield "description", version.description
    yield "changelog", version.changelog


def _word_sets(version: ModelVersion) -> Iterator[str]:
    """One line for each set, after its name where it has one."""
    for row in sorted(version.trigger_word_sets.all(), key=_place):
        words = ", ".join(word.text for word in sorted(row.words.all(), key=_place))
        yield f"{row.name}: {words}" if row.name else words


def _band(version: ModelVersion, names: tuple[str, ...]) -> str:
    """Least, recommended and most; "" where nothing is said."""
    numbers = [_text(getattr(version, name)) for name in names]
    return " / ".join(number or "–" for number in numbers) if any(numbers) else ""


def _resources(version: ModelVersion) -> Iterator[str]:
    for row in sorted(version.recommended_resources.all(), key=_place):
        weight = _text(row.weight)
        yield f"{row.kind}: {row.name}" + (f" ({weight})" if weight else "")


def _examples(version: ModelVersion) -> Iterator[str]:
    facts = ("sampler", "steps", "cfg_scale", "seed", "clip_skip", "weight")
    for row in sorted(version.example_prompts.all(), key=_place):
        told = [f"{name} {_text(getattr(row, name))}" for name in facts if getattr(row, name)]
        yield "\n".join(filter(None, [row.prompt, row.negative, ", ".join(told), row.note]))


def _place(row: Any) -> tuple[int, int]:
    return (row.position, row.pk)


def _text(value: object) -> str:
    """Numbers as people write them, however many zeros the column keeps."""
    if isinstance(value, Decimal | float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)
