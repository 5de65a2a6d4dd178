"""Models and versions in Civitai's wire form. Frozen: golden files pin every key."""

from typing import Any

from hub.api.civitai.links import Links, Preview
from hub.api.civitai.picture_ids import image_id_of_cover
from hub.api.civitai.values import air, generation_meta, html, instant
from hub.api.civitai.wire_facts import availability, base_name, creator, extras, model_stats
from hub.api.civitai.wire_files import BYTES_PER_KB, file_items, hashes, image_item, vae_items
from models_registry.models.file import ModelFile
from models_registry.models.model import Model
from models_registry.models.version import ModelVersion
from models_registry.permissions import is_in_early_access
from models_registry.services.download import download_name

LIST_IMAGES = 20
VERSION_IMAGES = 10
PG_LEVELS = 3


def model_item(
    model: Model, links: Links, *, in_list: bool, primary_only: bool = False
) -> dict[str, Any]:
    """A model with its versions, newest first; the catalogue prefetches `public_versions`."""
    versions = [version for version in model.public_versions if version.facts.files]
    archived, preview = model.is_archived, links.of_previews(public=model.is_for_everyone)
    item: dict[str, Any] = {
        "id": model.pk,
        "name": model.name,
        "description": html(model.description) or "",  # typed clients expect text
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
        "baseModels": list(dict.fromkeys(base_name(version) for version in versions)),
        "stats": model_stats(model),
        "creator": creator(model.owner, links),
        "tags": model.tag_names,
        "category": model.subject or None,
        "license": model.licence or None,
        "modelVersions": [
            version_in_model(
                version, index, links, preview, in_list=in_list, primary_only=primary_only
            )
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
    preview: Preview,
    *,
    in_list: bool,
    primary_only: bool = False,
) -> dict[str, Any]:
    """A version inside its model; the list leaves status and createdAt out."""
    archived = version.model.is_archived
    early = is_in_early_access(version)
    item: dict[str, Any] = {
        "id": version.id,
        "index": index,
        "name": version.name,
        "baseModel": base_name(version),
        "baseModelType": version.base_model_type,
        "publishedAt": instant(version.published_at),
        "availability": "EarlyAccess" if early else "Public",
        "nsfwLevel": version.nsfw_level,
        "description": html(version.description) or "",  # a client takes it for HTML
        "trainedWords": version.trained_words,
        "stats": version_stats(version) | {"thumbsDownCount": version.thumbs_down_count},
        "supportsGeneration": False,
        "paidAccess": None,
        "files": [] if archived else file_items(version, links, primary_only=primary_only),
        "images": [
            {"id": image_id_of_cover(cover.id), **image_item(cover, preview(cover))}
            for cover in version.facts.pictures[:LIST_IMAGES]
        ],
        **extras(version),
    }
    if early:
        item["earlyAccessDeadline"] = instant(version.early_access_until)
    if not archived:
        item["downloadUrl"] = links.of_version(version)
    if not in_list:
        item |= {"status": version.status, "createdAt": instant(version.created_at)}
    return item


def version_item(version: ModelVersion, links: Links) -> dict[str, Any]:
    """A version by itself: `/model-versions/{id}` and by-hash."""
    model = version.model
    archived = model.is_archived or version.is_tombstone
    preview = links.of_previews(public=model.shows_everyone(version))
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
        "earlyAccessConfig": {},  # typed clients expect an object, empty or not
        "description": html(version.description) or "",  # a client takes it for HTML
        "uploadType": "Trained" if version.job_uuid else "Created",
        "usageControl": "Download",
        "licensingFee": None,
        "paidAccess": None,
        "availability": "EarlyAccess" if is_in_early_access(version) else "Public",
        "air": air(version),
        "stats": version_stats(version),
        "model": {
            "name": model.name,
            "type": model.type,
            "nsfw": model.nsfw_level > PG_LEVELS,
            "poi": False,
        },
        "files": [] if archived else files_of_version(version, links),
        "images": [
            image_item(cover, preview(cover)) | {"meta": generation_meta(cover.generation_text)}
            for cover in version.facts.pictures[:VERSION_IMAGES]
        ],
        **extras(version),
    }
    if archived:
        item["model"]["mode"] = "Archived"
    else:
        item["downloadUrl"] = links.of_version(version)
    return item


def files_of_version(version: ModelVersion, links: Links) -> list[dict[str, Any]]:
    """The files of a version that is shown by itself, one always primary, and the VAE it names."""
    return [*file_items(version, links, primary_always=True), *vae_items(version, links)]


def version_stats(version: ModelVersion) -> dict[str, Any]:
    """What a version by itself is counted by; inside its model it has one more."""
    return {
        "downloadCount": version.download_count,
        "ratingCount": version.rating_count,
        "rating": version.rating or 0,
        "thumbsUpCount": version.thumbs_up_count,
    }


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
