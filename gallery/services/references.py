"""Which models a picture says it was made with: pure reading of generation data."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gallery.models.resource import ResourceKind
from hub.formats.generation.types import GenerationData
from hub.formats.generation.types import ResourceKind as NamedKind

MIN_HASH = 8
HEX = re.compile(r"[0-9A-F]{8,64}")
REFINER = re.compile(r"(?P<name>[^\[\]]+?)\s*(?:\[(?P<hash>[0-9a-fA-F]{8,64})\])?")
# Some trainers write the hash of nothing into headers, so it says nothing about a file.
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest().upper()

KINDS = {
    NamedKind.LORA: ResourceKind.LORA,
    NamedKind.EMBEDDING: ResourceKind.EMBEDDING,
    NamedKind.HYPERNETWORK: ResourceKind.HYPERNETWORK,
}


@dataclass(frozen=True)
class Reference:
    """One model as a picture names it; `hash` upper-case hexadecimal or ""."""

    kind: ResourceKind
    name: str
    hash: str = ""
    weight: float | None = None


def references_of(data: GenerationData) -> list[Reference]:
    """Everything the data names, checkpoint first, each once."""
    return list(dict.fromkeys(reference for reference in _all(data) if reference is not None))


def usable_hash(text: str | None) -> str:
    """The hash as the registry writes it; "" when it cannot name a file."""
    digest = (text or "").strip().removeprefix("0x").upper()
    if not HEX.fullmatch(digest) or EMPTY_SHA256.startswith(digest):
        return ""
    return digest


def _all(data: GenerationData) -> Iterator[Reference | None]:
    yield _reference(
        ResourceKind.CHECKPOINT, data.model, data.model_hash or data.hashes.get("model")
    )
    refiner = REFINER.fullmatch(data.extra.get("Refiner", "").strip())
    if refiner is not None:
        yield _reference(ResourceKind.CHECKPOINT, refiner["name"], refiner["hash"])
    yield _reference(ResourceKind.VAE, data.vae, data.vae_hash or data.hashes.get("vae"))
    for resource in data.resources:
        yield _reference(KINDS[resource.kind], resource.name, resource.hash, resource.weight)


def _reference(
    kind: ResourceKind, name: str | None, digest: str | None, weight: float | None = None
) -> Reference | None:
    found = usable_hash(digest)
    name = (name or "").strip()[:255]
    return Reference(kind, name, found, weight) if name or found else None
