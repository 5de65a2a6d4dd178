"""Model files and published models for tests, made of real bytes and through the services."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hub.accounts.models import Team, User
from hub.storage.blobs import store_bytes
from hub.storage.models import Blob
from models_registry.base_model_names import KNOWN_BASE_MODELS
from models_registry.models.base_model import BaseModel
from models_registry.models.file import ModelFile
from models_registry.models.model import Model, ModelType
from models_registry.models.version import ModelVersion
from models_registry.services import drafts, files, publish
from tests.factories.accounts import UserFactory

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
    seed_base_models()
    return BaseModel.objects.get(name=name)


def seed_base_models() -> None:
    """The table as the data migration leaves it; a transactional test may have emptied it."""
    if BaseModel.objects.count() >= len(KNOWN_BASE_MODELS):
        return
    BaseModel.objects.bulk_create(
        (
            BaseModel(
                name=known.name,
                family=known.family,
                ecosystem=known.ecosystem,
                native_width=known.native_side,
                native_height=known.native_side,
                is_active=known.is_active,
                sort=position * 10,
            )
            for position, known in enumerate(KNOWN_BASE_MODELS)
        ),
        ignore_conflicts=True,
    )


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
    """A LoRA file that has gone through the real scan."""
    file = files.add_file(
        actor=version.model.owner, version=version, blob=store_lora(seed=seed), name=name, **fields
    )
    files.process_file(file_id=file.pk)
    file.refresh_from_db()
    return file


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
    """A published version with one clean file; returns the version."""
    model = make_model(owner=owner, name=name, **fields)
    version = make_version(model, base_model=base_model, trigger_words=trigger_words, weight=weight)
    add_clean_file(version, seed=seed, name=f"{model.slug}.safetensors")
    publish.publish_version(actor=model.owner, version=version)
    model.refresh_from_db()
    version.refresh_from_db()
    return version


def write_file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
