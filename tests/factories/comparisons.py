"""Models on the bundled base that can be compared, with files that the engine really reads."""

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from hub.accounts.models import User
from hub.storage.blobs import store_path
from models_registry.models.model import ModelType
from models_registry.models.version import ModelVersion
from models_registry.services import files, publish
from tests.factories.published import Own, keep, published_like_it, write_again
from tests.factories.registry import base_model_named, make_model, make_version
from training.base_models.tiny.location import tiny_base_dir
from training.jobs.models.comparison import Comparison
from training.jobs.services.comparison_wish import ComparisonWish
from training.jobs.services.comparisons import request_comparison

RANK = 4
_hashes: dict[Hashable, dict[str, str]] = {}


def write_tiny_lora(path: Path, *, seed: int = 0) -> None:
    """A LoRA of one projection of the bundled base, strong enough to be seen."""
    config = json.loads((tiny_base_dir() / "unet" / "config.json").read_text(encoding="utf-8"))
    kinds = config["down_block_types"]
    block = next(number for number, kind in enumerate(kinds) if "CrossAttn" in kind)
    width = config["block_out_channels"][block]
    key = f"lora_unet_down_blocks_{block}_attentions_0_transformer_blocks_0_attn1_to_out_0"
    draws = np.random.default_rng(seed)
    tensors = {
        f"{key}.lora_down.weight": draws.normal(size=(RANK, width)).astype(np.float32),
        f"{key}.lora_up.weight": draws.normal(size=(width, RANK)).astype(np.float32),
        f"{key}.alpha": np.array(RANK, dtype=np.float32),
    }
    save_file(tensors, path)


def publish_file(
    path: Path, *, owner: User, name: str, type: str, base_model: str = "Atelier Tiny"
) -> ModelVersion:
    """A published version with this file, gone through the real scan.

    The same bytes once more are written as the rows of the first ones were.
    """
    blob = store_path(path, content_type="application/octet-stream")
    key = ("file", blob.sha256, path.name, type, base_model)
    if (kept := published_like_it(key)) is not None:
        base = base_model_named(base_model)
        found = _hashes[key]
        return write_again(kept, Own(owner, None, name, base, blob, lambda _: found, path.name))
    version = make_version(make_model(owner=owner, name=name, type=type), base_model=base_model)
    file = files.add_file(actor=owner, version=version, blob=blob, name=path.name)
    files.process_file(file_id=file.pk)
    published = publish.publish_version(actor=owner, version=version)
    keep(key, ModelVersion.objects.select_related("model").get(pk=version.pk))
    _hashes[key] = dict(file.hashes.values_list("kind", "value"))
    return published


def publish_tiny_base(owner: User, *, name: str = "Tiny") -> ModelVersion:
    """The bundled base as a checkpoint: known by its hash, read from the engine's own folder."""
    path = tiny_base_dir() / "unet" / "diffusion_pytorch_model.safetensors"
    return publish_file(path, owner=owner, name=name, type=ModelType.CHECKPOINT)


def publish_tiny_vae(owner: User, *, name: str = "Own VAE") -> ModelVersion:
    """The VAE of the bundled base as a model of its own."""
    path = tiny_base_dir() / "vae" / "diffusion_pytorch_model.safetensors"
    return publish_file(path, owner=owner, name=name, type=ModelType.VAE)


def publish_tiny_lora(owner: User, folder: Path, *, name: str = "Ink") -> ModelVersion:
    """A LoRA for the bundled base."""
    path = folder / f"{name.lower()}.safetensors"
    write_tiny_lora(path)
    return publish_file(path, owner=owner, name=name, type=ModelType.LORA)


def wish_for(*bases: ModelVersion, **changes: Any) -> ComparisonWish:
    """One small picture of an apple, with and without the version."""
    small = {"prompts": ["an apple"], "steps": 2, "width": 64, "height": 64, "guidance": 2.5}
    return ComparisonWish(bases=bases, **{**small, **changes})


def make_comparison(version: ModelVersion, *bases: ModelVersion, **changes: Any) -> Comparison:
    """A comparison in line, asked for by the model's owner."""
    wish = wish_for(*bases, **changes)
    return request_comparison(actor=version.model.owner, version=version, wish=wish)
