"""Model files and published models for tests, made of real bytes and through the services."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from hub.accounts.models import Team, User
from hub.formats.hashes import FileHashes
from hub.formats.model_kind import ModelGuess, guess_model
from hub.formats.safetensors_header import SafetensorsHeader, read_header
from hub.storage.blobs import store_bytes
from hub.storage.models import Blob
from models_registry.models.base_model import BaseModel
from models_registry.models.file import FileStage, ModelFile
from models_registry.models.file_hash import ModelFileHash
from models_registry.models.model import Model, ModelType
from models_registry.models.tag import TagAlias
from models_registry.models.version import ModelVersion
from models_registry.scanning.inspection import (
    Inspection,
    hash_content,
    header_limits,
    scan_content,
)
from models_registry.scanning.local_copy import readable_path
from models_registry.services import drafts, files, publish
from models_registry.services.cards import card_edit
from models_registry.services.counters import refresh_facts
from models_registry.services.findings import fill_header, fill_verdict
from models_registry.services.suggestions import fill_empty_fields, suggest_from_header
from tests.factories.accounts import UserFactory
from tests.factories.published import Own, keep, published_like_it, write_again

#: What may be said of a model that is written as an earlier one was.
PLAIN = {"type", "description", "visibility", "subject", "checkpoint_type", "nsfw_level", "tags"}
LORA_NAME = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
KOHYA_METADATA = {
    "ss_base_model_version": "sd_v1",
    "ss_network_dim": "4",
    "ss_network_alpha": "2.0",
    "ss_network_module": "networks.lora",
    "ss_resolution": "(512, 512)",
    "ss_clip_skip": "2",
    "ss_dataset_dirs": json.dumps({"10_inkwash": {"n_repeats": 10, "img_count": 3}}),
    "ss_tag_frequency": json.dumps({"10_inkwash": {"inkwash": 3, "mountain": 1}}),
}


def safetensors_bytes(
    tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> bytes:
    """A file as the format's document describes it, written without any library."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    for name, tensor in tensors.items():
        raw = tensor.tobytes()
        entries[name] = {
            "dtype": {"float16": "F16", "float32": "F32"}[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def lora_bytes(*, seed: int = 0, rank: int = 4, metadata: Mapping[str, str] | None = None) -> bytes:
    """A small kohya LoRA of one layer; another seed gives other tensors."""
    rng = np.random.default_rng(seed)
    tensors = {
        f"{LORA_NAME}.lora_down.weight": rng.normal(size=(rank, 768)).astype(np.float16),
        f"{LORA_NAME}.lora_up.weight": rng.normal(size=(320, rank)).astype(np.float16),
        f"{LORA_NAME}.alpha": np.array(rank / 2, dtype=np.float16),
    }
    return safetensors_bytes(tensors, KOHYA_METADATA if metadata is None else metadata)


def store_lora(*, seed: int = 0, metadata: Mapping[str, str] | None = None) -> Blob:
    return store_bytes(
        lora_bytes(seed=seed, metadata=metadata), content_type="application/octet-stream"
    )


def make_model(
    *,
    owner: User | None = None,
    team: Team | None = None,
    name: str = "Ink Wash",
    type: str = ModelType.LORA,
    **fields: Any,
) -> Model:
    return drafts.create_model(
        actor=owner or UserFactory(), team=team, name=name, type=type, **fields
    )


def base_model_named(name: str) -> BaseModel:
    return BaseModel.objects.get(name=name)


def make_version(
    model: Model,
    *,
    base_model: str = "SD 1.5",
    trigger_words: Sequence[str] = ("inkwash",),
    **fields: Any,
) -> ModelVersion:
    return drafts.create_version(
        actor=model.owner,
        model=model,
        base_model=base_model_named(base_model),
        trigger_words=trigger_words,
        **fields,
    )


def add_clean_file(
    version: ModelVersion, *, seed: int = 0, name: str = "inkwash.safetensors", **fields: Any
) -> ModelFile:
    """A LoRA file as the stages leave it, which tests/models_registry/test_factories.py compares.

    The same bytes are looked at once, and what was found is written at once.
    """
    file = files.add_file(
        actor=version.model.owner, version=version, blob=store_lora(seed=seed), name=name, **fields
    )
    if file.stage == FileStage.SEALED:
        _write_findings(file)
    file.refresh_from_db()
    return file


@dataclass(frozen=True, slots=True)
class Findings:
    """What is to be found in some bytes."""

    hashes: FileHashes
    inspection: Inspection
    header: SafetensorsHeader
    guess: ModelGuess


_found: dict[tuple[str, str, str], Findings] = {}


def _findings(file: ModelFile) -> Findings:
    key = (file.blob.sha256, file.kind, PurePath(file.name).suffix)
    if key not in _found:
        with readable_path(file.blob) as path:
            header = read_header(path, limits=header_limits())
            scanned = scan_content(path, kind=file.kind, name=file.name)
            _found[key] = Findings(hash_content(path), scanned, header, guess_model(header))
    return _found[key]


def _write_findings(file: ModelFile) -> None:
    found, hashes = _findings(file), _look(file)
    ModelFileHash.objects.bulk_create(
        ModelFileHash(file=file, kind=kind, value=value) for kind, value in hashes.items()
    )
    suggestions = suggest_from_header(found.header, found.guess)
    with card_edit(actor=None, model_id=file.version.model_id):
        fill_empty_fields(version_id=file.version_id, suggestions=suggestions)
    file.stage = FileStage.READY
    file.save()
    refresh_facts(model_id=file.version.model_id)


def publish_model(
    *,
    owner: User | None = None,
    name: str = "Ink Wash",
    seed: int = 0,
    base_model: str = "SD 1.5",
    trigger_words: Sequence[str] = ("inkwash",),
    weight: float | None = 0.8,
    **fields: Any,
) -> ModelVersion:
    """A published version with one clean file; returns the version.

    One like an earlier one is written as its rows were.
    """
    owner, team = owner or UserFactory(), fields.get("team")
    alike = {name: value for name, value in fields.items() if name != "team"}
    if "tags" in alike:
        alike["tags"] = tuple(alike["tags"])
    key = (base_model, tuple(trigger_words), weight, team is not None, *sorted(alike.items()))
    is_plain = alike.keys() <= PLAIN and all(isinstance(word, str) for word in trigger_words)
    is_plain = is_plain and not (alike.get("tags") and TagAlias.objects.exists())
    if is_plain and (kept := published_like_it(key)) is not None:
        base = base_model_named(base_model)
        return write_again(kept, Own(owner, team, name, base, store_lora(seed=seed), _look))
    version = _publish_through_services(
        make_model(owner=owner, name=name, **fields), seed, base_model, trigger_words, weight
    )
    if is_plain and version.files.get().is_clean:
        keep(key, version)
    return version


def _look(file: ModelFile) -> Mapping[str, str]:
    found = _findings(file)
    fill_verdict(file, found.inspection)
    fill_header(file, found.header, found.guess)
    file.sshs = found.hashes.sshs or ""
    return {kind.value: value for kind, value in found.hashes.as_mapping().items()}


def _publish_through_services(
    model: Model, seed: int, base_model: str, trigger_words: Sequence[str], weight: float | None
) -> ModelVersion:
    version = make_version(model, base_model=base_model, trigger_words=trigger_words, weight=weight)
    add_clean_file(version, seed=seed, name=f"{model.slug}.safetensors")
    publish.publish_version(actor=model.owner, version=version)
    model.refresh_from_db()
    version.refresh_from_db()
    return version
