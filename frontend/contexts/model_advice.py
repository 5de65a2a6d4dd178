"""What a version's page advises: words in sets, models that go with it, example prompts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.components import Picture
from frontend.contexts.model_list import cover_picture
from frontend.templatetags.words import decimal
from hub.formats.generation.a1111 import parse_infotext
from hub.formats.generation.types import GenerationData
from models_registry.models.model import Model
from models_registry.models.recommendation import ExamplePrompt, RecommendedResource
from models_registry.models.version import ModelVersion

#: `<lora:ink:0.8>`: which networks take part; examples may leave them out.
NETWORKS = re.compile(r"\s*<\w+:[^<>]+>")


@dataclass(frozen=True, slots=True)
class WordSetRow:
    """Trigger words that are used together; the first set usually has no name."""

    name: str
    words: list[str]


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """A model that goes well with the version; without an address it is not on this hub."""

    kind: str
    name: str
    url: str
    weight: str


@dataclass(frozen=True, slots=True)
class ExampleCard:
    """One example prompt with the text that its copy button gives."""

    prompt: str
    negative: str
    facts: str
    text: str
    note: str
    picture: Picture | None


def word_set_rows(version: ModelVersion) -> list[WordSetRow]:
    """The sets in their order; reads `trigger_word_sets__words` (prefetch both)."""
    return [
        WordSetRow(row.name, [word.text for word in _in_order(row.words.all())])
        for row in _in_order(version.trigger_word_sets.all())
    ]


def resource_rows(version: ModelVersion) -> list[ResourceRow]:
    """What goes with the version; a version that the viewer may not see is a name only."""
    return [_resource(row) for row in version.recommended_resources.all()]


def example_cards(model: Model, version: ModelVersion) -> list[ExampleCard]:
    """Example prompts with their pictures."""
    return [_example(model, version, row) for row in version.example_prompts.all()]


def _resource(row: RecommendedResource) -> ResourceRow:
    linked = row.resource_version
    url = f"{reverse('model', args=[linked.model.slug])}?v={linked.index}" if linked else ""
    return ResourceRow(row.get_kind_display(), row.name, url, decimal(row.weight))


def _example(model: Model, version: ModelVersion, row: ExamplePrompt) -> ExampleCard:
    """The row's own settings; those of its picture fill gaps, when it was made with this prompt."""
    made = _made_with(row)
    of_picture = _facts(made) if made else {}
    facts = of_picture | _facts(row)
    line = ", ".join(f"{name}: {value}" for name, value in facts.items())
    negative = row.negative or (made.negative_prompt if made else "")
    parts = [row.prompt, f"Negative prompt: {negative}" if negative else "", line]
    text = "\n".join(filter(None, parts))
    if made and row.cover and (facts, negative) == (of_picture, made.negative_prompt):
        text = row.cover.generation_text
    weight = _("Weight %s") % decimal(row.weight) if row.weight is not None else ""
    alt = _("Result of this prompt")
    return ExampleCard(
        prompt=row.prompt,
        negative=negative,
        facts=", ".join(filter(None, [line, weight])),
        text=text,
        note=row.note,
        picture=cover_picture(row.cover, model, version, alt=alt) if row.cover else None,
    )


def _made_with(row: ExamplePrompt) -> GenerationData | None:
    """The generation data of the example's picture, if it was made with the example's prompt."""
    if row.cover is None or not row.cover.generation_text:
        return None
    data = parse_infotext(row.cover.generation_text)
    return data if row.prompt in (data.prompt, NETWORKS.sub("", data.prompt).strip()) else None


def _facts(source: ExamplePrompt | GenerationData) -> dict[str, str]:
    """As A1111 writes generation data, so that other programs read what is copied."""
    pairs = {
        "Steps": source.steps,
        "Sampler": source.sampler,
        "CFG scale": decimal(source.cfg_scale) if source.cfg_scale else None,
        "Seed": source.seed,
        "Size": f"{source.width}x{source.height}" if source.width and source.height else None,
        "Clip skip": source.clip_skip,
    }
    return {name: str(value) for name, value in pairs.items() if value not in (None, "")}


def _in_order(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.position, row.pk))
