"""What goes with a version, in v2: other models and example prompts; its lineage."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from hub.accounts.models import User
from hub.core.errors import Invalid
from models_registry.models.cover import VersionCover
from models_registry.models.recommendation import (
    ExamplePrompt,
    RecommendedResource,
    ResourceKind,
)
from models_registry.models.version import ModelVersion
from models_registry.services.recommendations import set_examples, set_resources
from models_registry.services.values import Example, Resource

EXAMPLE_FACTS = (
    *("prompt", "negative", "note", "sampler", "steps", "cfg_scale", "weight", "seed"),
    *("clip_skip", "width", "height"),
)


class ResourceForm(serializers.Serializer[Any]):
    """A version here (`version_id`), or a name that is known elsewhere."""

    kind = serializers.ChoiceField(choices=ResourceKind.values)
    version_id = serializers.IntegerField(required=False)
    name = serializers.CharField(required=False, default="", max_length=160)
    weight = serializers.DecimalField(
        max_digits=4, decimal_places=2, required=False, allow_null=True, default=None
    )


class ExampleForm(serializers.Serializer[Any]):
    """A prompt with its settings; `cover_id` is a picture of the same version."""

    prompt = serializers.CharField()
    negative = serializers.CharField(required=False, allow_blank=True, default="")
    note = serializers.CharField(required=False, allow_blank=True, default="")
    sampler = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)
    steps = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=1000
    )
    cfg_scale = serializers.FloatField(
        required=False, allow_null=True, default=None, min_value=0, max_value=100
    )
    weight = serializers.DecimalField(
        max_digits=4, decimal_places=2, required=False, allow_null=True, default=None
    )
    seed = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0, max_value=2**63 - 1
    )
    clip_skip = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=12
    )
    width = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)
    height = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)
    cover_id = serializers.IntegerField(required=False, allow_null=True, default=None)


class ResourceShape(serializers.Serializer[RecommendedResource]):
    """What goes well with the version; null ids where it is not here, or not for the caller."""

    kind = serializers.CharField()
    name = serializers.CharField()
    weight = serializers.FloatField(allow_null=True)
    version_id = serializers.IntegerField(
        source="resource_version.pk", allow_null=True, default=None
    )
    model_id = serializers.IntegerField(
        source="resource_version.model_id", allow_null=True, default=None
    )


class ExampleShape(serializers.Serializer[ExamplePrompt]):
    """A prompt with the settings it was meant for."""

    prompt = serializers.CharField()
    negative = serializers.CharField()
    note = serializers.CharField()
    sampler = serializers.CharField()
    steps = serializers.IntegerField(allow_null=True)
    cfg_scale = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField(allow_null=True)
    seed = serializers.IntegerField(allow_null=True)
    clip_skip = serializers.IntegerField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    cover_id = serializers.IntegerField(allow_null=True)


def write_advice(actor: User, version: ModelVersion, sent: dict[str, Any]) -> None:
    """Write the sent lists; needs the caller's transaction where both go together."""
    if "resources" in sent:
        found = [_resource(actor, row) for row in sent["resources"]]
        set_resources(actor=actor, version=version, resources=found)
    if "examples" in sent:
        covers = {cover.pk: cover for cover in version.covers.all()}
        rows = [_example(row, covers) for row in sent["examples"]]
        set_examples(actor=actor, version=version, examples=rows)


def _resource(actor: User, row: dict[str, Any]) -> Resource:
    linked = None
    if "version_id" in row:
        linked = ModelVersion.objects.visible_to(actor).filter(pk=row["version_id"]).first()
        if linked is None:
            raise Invalid(_("There is no such version to recommend."), code="resource_missing")
    return Resource(kind=row["kind"], name=row["name"], version=linked, weight=row["weight"])


def _example(
    row: dict[str, Any], covers: dict[int, VersionCover]
) -> tuple[Example, VersionCover | None]:
    cover_id = row["cover_id"]
    if cover_id is not None and cover_id not in covers:
        raise Invalid(_("Choose a picture of this version."), code="cover_unknown")
    example = Example(**{name: row[name] for name in EXAMPLE_FACTS})
    return example, covers[cover_id] if cover_id is not None else None
