"""What goes with a version: example prompts and other models, added one by one or all replaced."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Invalid
from models_registry.models.cover import VersionCover
from models_registry.models.recommendation import (
    ExamplePrompt,
    RecommendedResource,
    ResourceKind,
)
from models_registry.models.version import ModelVersion
from models_registry.services.cards import card_edit
from models_registry.services.columns import check_choice, check_length
from models_registry.services.drafts import next_position, require_edit
from models_registry.services.names import clean_name
from models_registry.services.values import Example, Resource, as_decimal

MAX_EXAMPLES = 20
MAX_RESOURCES = 30
SIDE_LIMIT = 16_384


def add_example_prompt(
    *,
    actor: User,
    version: ModelVersion,
    example: Example,
    cover: VersionCover | None = None,
) -> ExamplePrompt:
    """Append an example prompt, with the cover that it made where there is one."""
    require_edit(actor, version)
    columns = _example_columns(version, example, cover)
    with transaction.atomic():
        position = next_position(version, version.example_prompts.all())
        return ExamplePrompt.objects.create(version=version, position=position, **columns)


def set_examples(
    *,
    actor: User,
    version: ModelVersion,
    examples: Sequence[tuple[Example, VersionCover | None]],
) -> None:
    """Replace the example prompts; each comes with the cover of this version that it made."""
    require_edit(actor, version)
    _check_count(len(examples), MAX_EXAMPLES)
    columns = [_example_columns(version, example, cover) for example, cover in examples]
    with card_edit(actor=actor, model_id=version.model_id):
        version.example_prompts.all().delete()
        ExamplePrompt.objects.bulk_create(
            ExamplePrompt(version=version, position=at, **row) for at, row in enumerate(columns)
        )
        audit.record(actor=actor, action="version.set_examples", target=version)


def add_resource(*, actor: User, version: ModelVersion, resource: Resource) -> RecommendedResource:
    """Recommend what goes with the version; a version here must be visible to the actor."""
    require_edit(actor, version)
    columns = _resource_columns(actor, version, resource)
    with transaction.atomic():
        position = next_position(version, version.recommended_resources.all())
        return RecommendedResource.objects.create(version=version, position=position, **columns)


def set_resources(*, actor: User, version: ModelVersion, resources: Sequence[Resource]) -> None:
    """Replace what is recommended with the version."""
    require_edit(actor, version)
    _check_count(len(resources), MAX_RESOURCES)
    columns = [_resource_columns(actor, version, resource) for resource in resources]
    with card_edit(actor=actor, model_id=version.model_id):
        version.recommended_resources.all().delete()
        RecommendedResource.objects.bulk_create(
            RecommendedResource(version=version, position=at, **row)
            for at, row in enumerate(columns)
        )
        audit.record(actor=actor, action="version.set_resources", target=version)


def _example_columns(
    version: ModelVersion, example: Example, cover: VersionCover | None
) -> dict[str, Any]:
    if not example.prompt.strip():
        raise Invalid(_("An example needs a prompt."), code="prompt_missing")
    if cover is not None and cover.version_id != version.pk:
        raise Invalid(_("Choose a picture of this version."), code="cover_unknown")
    if any(side is not None and not 1 <= side <= SIDE_LIMIT for side in _sides(example)):
        raise Invalid(_("A picture has 1 to %s pixels a side.") % SIDE_LIMIT, code="size_invalid")
    return {
        "cover": cover,
        "prompt": check_length(example.prompt.strip()),
        "negative": check_length(example.negative.strip()),
        "note": check_length(example.note.strip()),
        "sampler": example.sampler[:60],
        "steps": example.steps,
        "cfg_scale": as_decimal(example.cfg_scale, digits=1),
        "weight": as_decimal(example.weight, digits=2),
        "seed": example.seed,
        "clip_skip": example.clip_skip,
        "width": example.width,
        "height": example.height,
    }


def _sides(example: Example) -> tuple[int | None, int | None]:
    return example.width, example.height


def _resource_columns(actor: User, version: ModelVersion, resource: Resource) -> dict[str, Any]:
    check_choice(resource.kind, ResourceKind.values)
    linked = resource.version
    if linked is not None and not _may_link(actor, version, linked):
        raise Invalid(_("There is no such version to recommend."), code="resource_missing")
    name = resource.name or (f"{linked.model.name} {linked.name}" if linked else "")
    return {
        "resource_version": linked,
        "name": clean_name(name, limit=160),
        "kind": resource.kind,
        "weight": as_decimal(resource.weight, digits=2),
    }


def _may_link(actor: User, version: ModelVersion, linked: ModelVersion) -> bool:
    """Visible to whoever links it, or linked already by somebody who could see it."""
    known = version.recommended_resources.filter(resource_version=linked)
    return ModelVersion.objects.visible_to(actor).filter(pk=linked.pk).exists() or known.exists()


def _check_count(count: int, most: int) -> None:
    if count > most:
        raise Invalid(_("At most %s can be listed here.") % most, code="too_many")
