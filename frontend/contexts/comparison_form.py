"""The form of a comparison: what can be drawn with, and what is chosen at first."""

from typing import Any

from frontend.forms.comparison import OWN_VAE, ComparisonForm
from frontend.templatetags.words import decimal
from models_registry.models.model import ModelType, Viewer
from models_registry.models.recommendation import ResourceKind
from models_registry.models.version import ModelVersion
from models_registry.queries import base_versions
from training.jobs.services.comparison_wish import (
    APPLIED_TYPES,
    COMPARED_TYPES,
    DRAWING_BYTES,
    WEIGHTED_TYPES,
    family_of,
)

CHOICES = 60
USUAL_WEIGHTS, USUAL_STEPS, USUAL_CFG, USUAL_SEED = "0.6, 0.8, 1", 20, 7.0, 1


def can_compare(viewer: Viewer, version: ModelVersion | None) -> bool:
    """Whether the engine draws with such a version, and the viewer may ask for it."""
    return (
        bool(viewer.is_authenticated)
        and version is not None
        and not version.is_tombstone
        and version.model.type in COMPARED_TYPES
        and family_of(version) in DRAWING_BYTES
    )


def comparison_form(viewer: Viewer, version: ModelVersion, posted: Any = None) -> ComparisonForm:
    """The form with the recommended checkpoint, weights and settings chosen."""
    type_ = version.model.type
    checkpoints = _versions(viewer, version, ModelType.CHECKPOINT)
    vaes = _versions(viewer, version, ModelType.VAE)
    return ComparisonForm(
        posted,
        checkpoints=checkpoints,
        vaes=vaes,
        has_weight=type_ in WEIGHTED_TYPES,
        is_applied=type_ in APPLIED_TYPES,
        initial={
            "bases": _first_bases(version, checkpoints),
            "vaes": [OWN_VAE, *([str(version.pk)] if type_ == ModelType.VAE else [])],
            "weights": _weights(version),
            "prompts": _prompt(version),
            "negative": next((row.negative for row in version.example_prompts.all()), ""),
            "seeds": str(USUAL_SEED),
            "steps": version.steps or USUAL_STEPS,
            "guidance": float(version.cfg_scale or USUAL_CFG),
            "sampler": version.sampler,
            "clip_skip": version.clip_skip or 1,
            "width": version.width,
            "height": version.height,
        },
    )


def _versions(viewer: Viewer, version: ModelVersion, type: str) -> dict[str, ModelVersion]:
    """Versions of a type that fit, the compared one first, by their ids as text."""
    found = base_versions(viewer=viewer, families=[family_of(version)], type=type)
    own = {str(version.pk): version} if version.model.type == type else {}
    return own | {str(row.pk): row for row in found[:CHOICES]}


def _first_bases(version: ModelVersion, checkpoints: dict[str, ModelVersion]) -> list[str]:
    """Itself, or what it is recommended with, or was trained on; else the first of the list."""
    if version.model.type == ModelType.CHECKPOINT:
        return [str(version.pk)]
    recommended = [
        str(row.resource_version_id)
        for row in version.recommended_resources.all()
        if row.kind == ResourceKind.CHECKPOINT
    ]
    wished = [*recommended, str(version.base_version_id)]
    known = [key for key in wished if key in checkpoints]
    return list(dict.fromkeys(known)) or list(checkpoints)[:1]


def _weights(version: ModelVersion) -> str:
    band = (version.weight_min, version.weight_default, version.weight_max)
    known = [decimal(number) for number in band if number is not None]
    return ", ".join(dict.fromkeys(known)) or USUAL_WEIGHTS


def _prompt(version: ModelVersion) -> str:
    first = next((row.prompt for row in version.example_prompts.all()), "")
    return first.replace("\n", " ") or ", ".join(version.trained_words)
