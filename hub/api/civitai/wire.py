"""Models, versions, files and pictures in Civitai's wire form. Frozen: golden files pin every key.

Our own additions are new keys that old clients ignore: `settings`, `usage`, `examplePrompts`,
`provenance`.
"""

from typing import Any

from hub.accounts.models import User
from hub.api.civitai.links import Links
from hub.api.civitai.values import air, generation_meta, html, instant, number
from hub.core.visibility import Visibility
from models_registry.models.cover import VersionCover
from models_registry.models.file import ModelFile
from models_registry.models.file_hash import HashKind
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.permissions import is_in_early_access
from models_registry.services.download import download_name

BYTES_PER_KB = 1024
LIST_IMAGES = 20
VERSION_IMAGES = 10
PG_LEVELS = 3
NO_ANTIVIRUS = "No antivirus engine is set up; the content was checked by its format."


def model_item(
    model: Model, links: Links, *, in_list: bool, primary_only: bool = False
) -> dict[str, Any]:
    """A model with its versions, newest first; the catalogue prefetches `public_versions`."""
    versions = [version for version in model.public_versions if version.clean_files]
    archived = model.is_archived
    item: dict[str, Any] = {
        "id": model.pk,
        "name": model.name,
        "description": html(model.description),
        "type": model.type,
        "nsfw": model.nsfw_level > PG_LEVELS,
        "nsfwLevel": model.nsfw_level,
        "minor": False,
        "poi": False,
        "sfwOnly": False,
        "availability": availability(model),
        "userId": model.owner_id,
        "allowNoCredit": model.allow_no_credit,
        "allowCommercialUse": list(model.allow_commercial_use),
        "allowDerivatives": model.allow_derivatives,
        "allowDifferentLicense": model.allow_different_license,
        "supportsGeneration": False,
        "cosmetic": None,
        "stats": model_stats(model),
        "creator": creator(model.owner, links),
        "tags": model.tag_names,
        "modelVersions": [
            version_in_model(version, index, links, in_list=in_list, primary_only=primary_only)
            for index, version in enumerate(versions)
        ],
    }
    if archived:
        item["mode"] = "Archived"
    return item


def version_in_model(
    version: ModelVersion,
    index: int,
    links: Links,
    *,
    in_list: bool,
    primary_only: bool = False,
) -> dict[str, Any]:
    """A version inside its model; the list leaves status and createdAt out."""
    archived = version.model.is_archived
    item: dict[str, Any] = {
        "id": version.pk,
        "index": index,
        "name": version.name,
        "baseModel": base_name(version),
        "baseModelType": version.base_model_type,
        "publishedAt": instant(version.published_at),
        "availability": "EarlyAccess" if is_in_early_access(version) else "Public",
        "nsfwLevel": version.nsfw_level,
        "description": html(version.description),
        "trainedWords": version.trained_words,
        "stats": {
            "downloadCount": version.download_count,
            "ratingCount": version.rating_count,
            "rating": version.rating or 0,
            "thumbsUpCount": version.thumbs_up_count,
            "thumbsDownCount": version.thumbs_down_count,
        },
        "supportsGeneration": False,
        "files": [] if archived else file_items(version, links, primary_only=primary_only),
        "images": [
            {"id": cover.pk, **image_item(cover, version, links)}
            for cover in version.covers.all()[:LIST_IMAGES]
        ],
        **extras(version),
    }
    if is_in_early_access(version):
        item["earlyAccessDeadline"] = instant(version.early_access_until)
    if not archived:
        item["downloadUrl"] = links.of_version(version)
    if not in_list:
        item |= {"status": version.status, "createdAt": instant(version.created_at)}
    return item


def version_item(version: ModelVersion, links: Links) -> dict[str, Any]:
    """A version by itself: `/model-versions/{id}` and by-hash."""
    model = version.model
    archived = model.is_archived
    item: dict[str, Any] = {
        "id": version.pk,
        "modelId": version.model_id,
        "name": version.name,
        "nsfwLevel": version.nsfw_level,
        "createdAt": instant(version.created_at),
        "updatedAt": instant(version.updated_at),
        "status": version.status,
        "publishedAt": instant(version.published_at),
        "trainedWords": version.trained_words,
        "trainingStatus": "Approved" if version.job_uuid else None,
        "trainingDetails": None,
        "baseModel": base_name(version),
        "baseModelType": version.base_model_type,
        "earlyAccessEndsAt": instant(version.early_access_until),
        "earlyAccessConfig": None,
        "description": html(version.description),
        "uploadType": "Trained" if version.job_uuid else "Created",
        "usageControl": "Download",
        "availability": "EarlyAccess" if is_in_early_access(version) else "Public",
        "air": air(version),
        "stats": {
            "downloadCount": version.download_count,
            "ratingCount": version.rating_count,
            "rating": version.rating or 0,
            "thumbsUpCount": version.thumbs_up_count,
        },
        "model": {
            "name": model.name,
            "type": model.type,
            "nsfw": model.nsfw_level > PG_LEVELS,
            "poi": False,
        },
        "files": [] if archived else file_items(version, links, primary_always=True),
        "images": [
            image_item(cover, version, links) | {"meta": generation_meta(cover.generation_text)}
            for cover in version.covers.all()[:VERSION_IMAGES]
        ],
        **extras(version),
    }
    if archived:
        item["model"]["mode"] = "Archived"
    else:
        item["downloadUrl"] = links.of_version(version)
    return item


def mini_item(version: ModelVersion, file: ModelFile, links: Links) -> dict[str, Any]:
    """What a downloader needs to know, and no more; `size` is in KiB, as sizeKB elsewhere."""
    early = is_in_early_access(version)
    item: dict[str, Any] = {
        "air": air(version, file),
        "versionName": version.name,
        "modelName": version.model.name,
        "userId": version.model.owner_id,
        "baseModel": base_name(version),
        "availability": "EarlyAccess" if early else "Public",
        "publishedAt": instant(version.published_at),
        "size": file.size_bytes / BYTES_PER_KB,
        "fileType": file.kind,
        "fileName": download_name(file),
        "hashes": hashes(file),
        "downloadUrls": [links.of_file(file)],
        "format": file.format,
        "canGenerate": False,
        "isFeatured": False,
        "requireAuth": version.requires_sign_in,
        "checkPermission": early,
        "minor": False,
        "sfwOnly": False,
    }
    return item | ({"earlyAccessEndsAt": instant(version.early_access_until)} if early else {})


def file_items(
    version: ModelVersion, links: Links, *, primary_only: bool = False, primary_always: bool = False
) -> list[dict[str, Any]]:
    """Cleared files, the primary one first: exactly one, whatever became of the others."""
    files: list[ModelFile] = version.clean_files
    chosen = next((file for file in files if file.is_primary), files[0] if files else None)
    ordered = sorted(files, key=lambda file: (file is not chosen, file.pk))
    if primary_only:
        ordered = ordered[:1]
    items = []
    for file in ordered:
        item = file_item(file, version, links)
        if file is chosen or primary_always:
            item["primary"] = file is chosen
        items.append(item)
    return items


def file_item(file: ModelFile, version: ModelVersion, links: Links) -> dict[str, Any]:
    """One file; sizeKB is exact, hashes are upper case."""
    return {
        "id": file.pk,
        "sizeKB": file.size_bytes / BYTES_PER_KB,
        "name": download_name(file),
        "type": file.kind,
        "metadata": {
            "format": file.format,
            "size": file.size_kind or None,
            "fp": file.precision or None,
        },
        "pickleScanResult": file.scan_status,
        "pickleScanMessage": file.scan_message or None,
        "virusScanResult": file.scan_status,
        "virusScanMessage": NO_ANTIVIRUS,
        "scannedAt": instant(file.scanned_at),
        "hashes": hashes(file),
        "downloadUrl": links.of_file(file),
    }


def hashes(file: ModelFile) -> dict[str, str]:
    """Hashes under Civitai's names, which know six of our seven kinds."""
    known = {row.kind: row.value for row in file.hashes.all()}
    return {kind.value: known[kind] for kind in HashKind if kind in known and kind != HashKind.SSHS}


def image_item(cover: VersionCover, version: ModelVersion, links: Links) -> dict[str, Any]:
    """A picture of a version; the level is a number here."""
    has_data = bool(cover.generation_text.strip())
    return {
        "url": links.of_picture(cover.blob, version.model),
        "nsfwLevel": cover.nsfw_level,
        "width": cover.width,
        "height": cover.height,
        "hash": cover.blurhash,
        "type": "image",
        "minor": False,
        "poi": False,
        "hasMeta": has_data,
        "hasPositivePrompt": has_data,
        "onSite": False,
        "remixOfId": None,
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
            for row in sorted(version.example_prompts.all(), key=lambda row: row.position)
        ],
        "provenance": {
            "runId": str(trained),
            "datasetSnapshotHash": version.snapshot_hash or None,
            "baseModelSha256": version.base_model_sha256.upper() or None,
            "engineVersion": version.engine_version or None,
        }
        if trained
        else None,
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
    """Public, or Private for anything that not everyone may see."""
    return "Public" if model.visibility == Visibility.PUBLIC else "Private"


def base_name(version: ModelVersion) -> str:
    """Name of the base model; never null where published."""
    return version.base_model.name if version.base_model else "Other"
