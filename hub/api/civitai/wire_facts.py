"""Parts of models and versions that stand in several answers; our own additions among them.

Additions are new keys that old clients ignore: `settings`, `usage`, `trainedWordSets`,
`recommendedResources`, `examplePrompts`, `provenance`, and `removal` where files were deleted.
"""

from typing import Any

from hub.accounts.models import User
from hub.api.civitai.links import Links
from hub.api.civitai.picture_ids import image_id_of_cover
from hub.api.civitai.values import instant, number
from hub.api.civitai.wire_files import BYTES_PER_KB
from models_registry.catalogue_facts import ExampleFacts
from models_registry.models.model import Model
from models_registry.models.terms import ModelVisibility
from models_registry.models.version import ModelVersion

AVAILABILITY = {
    ModelVisibility.PUBLIC.value: "Public",
    ModelVisibility.UNLISTED.value: "Unsearchable",
}


def extras(version: ModelVersion) -> dict[str, Any]:
    """What Civitai's API keeps to itself: weights, settings, advice, examples, what belongs to it.

    Weights are multipliers, sizes are in pixels; nothing that the author left open is made up.
    """
    return {
        "settings": {
            "strength": number(version.weight_default),
            "minStrength": number(version.weight_min),
            "maxStrength": number(version.weight_max),
        },
        "usage": usage(version),
        "trainedWordSets": [
            {"name": row.name or None, "words": list(row.words)} for row in version.facts.word_sets
        ],
        "recommendedResources": [
            {
                "type": row.kind,
                "name": row.name,
                "strength": number(row.weight),
                "modelId": row.link.model_id if row.link else None,
                "modelVersionId": row.link.version_id if row.link else None,
            }
            for row in version.links.resources
        ],
        "examplePrompts": [example(row) for row in version.facts.examples],
        "provenance": provenance(version),
        **removal(version),
    }


def usage(version: ModelVersion) -> dict[str, Any]:
    """The settings that a version was made for, and how a prompt for it is built."""
    return {
        "clipSkip": version.clip_skip,
        "sampler": version.sampler or None,
        "steps": version.steps,
        "cfgScale": number(version.cfg_scale),
        "minCfgScale": number(version.cfg_min),
        "maxCfgScale": number(version.cfg_max),
        "cfgScaleNote": version.cfg_note or None,
        "width": version.width,
        "height": version.height,
        "promptAdvice": version.prompt_advice or None,
        "negativePromptAdvice": version.negative_advice or None,
    }


def example(row: ExampleFacts) -> dict[str, Any]:
    """An example prompt with its settings; `imageId` is a picture of the same version."""
    return {
        "prompt": row.prompt,
        "negativePrompt": row.negative or None,
        "note": row.note or None,
        "sampler": row.sampler or None,
        "steps": row.steps,
        "cfgScale": number(row.cfg_scale),
        "strength": number(row.weight),
        "seed": row.seed,
        "clipSkip": row.clip_skip,
        "width": row.width,
        "height": row.height,
        "imageId": None if row.cover_id is None else image_id_of_cover(row.cover_id),
    }


def provenance(version: ModelVersion) -> dict[str, Any] | None:
    """Run, snapshot and base of a version; None where nothing of it is known."""
    base = version.links.base
    if not (version.job_uuid or base or version.base_model_sha256):
        return None
    return {
        "runId": str(version.job_uuid) if version.job_uuid else None,
        "datasetSnapshotHash": version.snapshot_hash or None,
        "baseModelSha256": version.base_model_sha256.upper() or None,
        "baseModelId": base.model_id if base else None,
        "baseModelVersionId": base.version_id if base else None,
        "engineVersion": version.engine_version or None,
    }


def removal(version: ModelVersion) -> dict[str, Any]:
    """Why the files of a version are gone, and by which hashes they are still known."""
    if not version.is_tombstone:
        return {}
    tombstone = version.tombstone
    return {
        "removal": {
            "reason": tombstone.reason,
            "removedAt": instant(tombstone.removed_at),
            "files": [
                {
                    "name": file.name,
                    "type": file.kind,
                    "sizeKB": file.size_bytes / BYTES_PER_KB,
                    "hashes": {row.kind: row.value for row in file.hashes.all()},
                }
                for file in tombstone.files.all()
                if file.was_clean
            ],
        }
    }


def model_stats(model: Model) -> dict[str, Any]:
    """Counters; the three that Civitai dropped stay for typed clients that expect numbers."""
    return {
        "downloadCount": model.download_count,
        "favoriteCount": model.bookmark_count,
        "thumbsUpCount": model.thumbs_up_count,
        "thumbsDownCount": model.thumbs_down_count,
        "commentCount": model.comment_count,
        "ratingCount": model.rating_count,
        "rating": model.rating or 0,
        "tippedAmountCount": 0,
    }


def creator(owner: User, links: Links) -> dict[str, Any]:
    """Who made it."""
    return {"username": owner.username, "image": links.of_avatar(owner.avatar)}


def availability(model: Model) -> str:
    """Public, Unsearchable for what no list shows, or Private for what not everyone may see."""
    return AVAILABILITY.get(model.visibility, "Private")


def base_name(version: ModelVersion) -> str:
    """Name of the base model; never null where published."""
    return version.base_model.name if version.base_model else "Other"
