"""Parts of models and versions that stand in several answers; our own additions among them.

Additions are new keys that old clients ignore: `settings`, `usage`, `examplePrompts`, `provenance`,
and `removal` where files were deleted.
"""

from typing import Any

from hub.accounts.models import User
from hub.api.civitai.links import Links
from hub.api.civitai.values import instant, number
from hub.api.civitai.wire_files import BYTES_PER_KB
from models_registry.models.model import Model
from models_registry.models.terms import ModelVisibility
from models_registry.models.version import ModelVersion

AVAILABILITY = {
    ModelVisibility.PUBLIC.value: "Public",
    ModelVisibility.UNLISTED.value: "Unsearchable",
}


def extras(version: ModelVersion) -> dict[str, Any]:
    """What Civitai's API keeps to itself: weights, settings, examples, origin."""
    trained = version.job_uuid
    return {
        "settings": {
            "strength": number(version.weight_default),
            "minStrength": number(version.weight_min),
            "maxStrength": number(version.weight_max),
        },
        "usage": {
            "clipSkip": version.clip_skip,
            "sampler": version.sampler or None,
            "steps": version.steps,
            "cfgScale": number(version.cfg_scale),
            "width": version.width,
            "height": version.height,
        },
        "examplePrompts": [
            {"prompt": row.prompt, "negativePrompt": row.negative or None}
            for row in version.facts.examples
        ],
        "provenance": {
            "runId": str(trained),
            "datasetSnapshotHash": version.snapshot_hash or None,
            "baseModelSha256": version.base_model_sha256.upper() or None,
            "engineVersion": version.engine_version or None,
        }
        if trained
        else None,
        **removal(version),
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
