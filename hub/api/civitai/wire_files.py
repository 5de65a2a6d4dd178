"""Files and pictures of versions in Civitai's wire form. Frozen: golden files pin every key."""

from typing import Any

from hub.api.civitai.links import Links
from hub.api.civitai.values import instant
from models_registry.catalogue_facts import PictureFacts
from models_registry.models.file import FileKind, ModelFile
from models_registry.models.file_hash import HashKind
from models_registry.models.version import ModelVersion
from models_registry.services.download import download_name

BYTES_PER_KB = 1024
#: Civitai knows six of our seven kinds, by the same names; plain texts are found faster.
HASH_NAMES = tuple(kind.value for kind in HashKind if kind is not HashKind.SSHS)
NO_ANTIVIRUS = "No antivirus engine is set up; the content was checked by its format."


def file_items(
    version: ModelVersion, links: Links, *, primary_only: bool = False, primary_always: bool = False
) -> list[dict[str, Any]]:
    """Cleared files, the primary one first: exactly one, whatever became of the others."""
    files = version.facts.files
    chosen = next((file for file in files if file.is_primary), files[0] if files else None)
    ordered = sorted(files, key=lambda file: (file is not chosen, file.id))
    if primary_only:
        ordered = ordered[:1]
    items = []
    for file in ordered:
        item = file_item(file, version, links)
        if file is chosen:  # what the version's own address gives, also while another is checked
            item["downloadUrl"] = links.of_version(version)
        if file is chosen or primary_always:
            item["primary"] = file is chosen
        items.append(item)
    return items


def vae_items(version: ModelVersion, links: Links) -> list[dict[str, Any]]:
    """The first file of each VAE that goes with a version; its link leads to the VAE's download."""
    linked = [row.resource_version for row in version.vae_links]
    return [
        file_item(vae.facts.files[0], vae, links) | {"type": FileKind.VAE, "primary": False}
        for vae in linked
        if vae is not None and vae.facts.files
    ]


def file_item(file: ModelFile, version: ModelVersion, links: Links) -> dict[str, Any]:
    """One file; sizeKB is exact, hashes are upper case."""
    virus = file.scan_report.get("virus", {})
    return {
        "id": file.id,
        "sizeKB": file.size_bytes / BYTES_PER_KB,
        "name": download_name(file),
        "type": file.kind,
        "metadata": file_metadata(file),
        "pickleScanResult": file.scan_status,
        "pickleScanMessage": file.scan_message or None,
        "virusScanResult": virus.get("status", file.scan_status),
        "virusScanMessage": (virus["message"] or None) if virus else NO_ANTIVIRUS,
        "scannedAt": instant(file.scanned_at),
        "hashes": hashes(file),
        "downloadUrl": links.of_file(file),
    }


def file_metadata(file: ModelFile) -> dict[str, str | None]:
    """How the weights are stored; `quantType` only where they are quantised."""
    known = {
        "format": file.format,
        "size": file.size_kind or None,
        "fp": file.precision or None,
    }
    return known | ({"quantType": file.quant_type} if file.quant_type else {})


def hashes(file: ModelFile) -> dict[str, str]:
    """Hashes under Civitai's names, always in the same order."""
    known = file.hash_values
    return {name: known[name] for name in HASH_NAMES if name in known}


def image_item(cover: PictureFacts, url: str) -> dict[str, Any]:
    """A picture of a version; the level is a number here."""
    has_data = bool(cover.generation_text.strip())
    return {
        "url": url,
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
