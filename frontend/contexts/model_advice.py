"""What a version's page advises: words in sets, models that go with it, example prompts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from frontend.contexts.components import Picture
from frontend.contexts.model_list import cover_picture
from frontend.templatetags.words import decimal
from models_registry.models.model import Model
from models_registry.models.recommendation import ExamplePrompt, RecommendedResource
from models_registry.models.version import ModelVersion


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
    return [_example(model, row) for row in version.example_prompts.all()]


def _resource(row: RecommendedResource) -> ResourceRow:
    linked = row.resource_version
    url = f"{reverse('model', args=[linked.model.slug])}?v={linked.index}" if linked else ""
    return ResourceRow(row.get_kind_display(), row.name, url, decimal(row.weight))


def _example(model: Model, row: ExamplePrompt) -> ExampleCard:
    # As A1111 writes generation data, so that other programs read what is copied.
    size = f"{row.width}x{row.height}" if row.width and row.height else None
    pairs = [
        ("Steps", row.steps),
        ("Sampler", row.sampler),
        ("CFG scale", decimal(row.cfg_scale) if row.cfg_scale else None),
        ("Seed", row.seed),
        ("Size", size),
        ("Clip skip", row.clip_skip),
    ]
    facts = ", ".join(f"{name}: {value}" for name, value in pairs if value not in (None, ""))
    negative = f"\nNegative prompt: {row.negative}" if row.negative else ""
    weight = _("Weight %s") % decimal(row.weight) if row.weight is not None else ""
    alt = _("Result of this prompt")
    return ExampleCard(
        prompt=row.prompt,
        negative=row.negative,
        facts=", ".join(filter(None, [facts, weight])),
        text=f"{row.prompt}{negative}\n{facts}".rstrip(),
        note=row.note,
        picture=cover_picture(row.cover, model, alt=alt) if row.cover else None,
    )


def _in_order(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.position, row.pk))
