"""What a made file says about how it was made: inputs with their SHA-256, and the settings.

The keys are those of A1111's merger (`sd_merge_recipe`, `sd_merge_models`), so that its pages and
others show them; nothing depends on the clock, so that the same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.engine.architectures import ARCHITECTURES
from training.engine.files.file_writing import file_hash, window_hash
from training.engine.version import ENGINE_VERSION

RECIPE, MODELS = "sd_merge_recipe", "sd_merge_models"
V2_VELOCITY = "stable-diffusion-v2-768-v"
WEIGHTS = (".safetensors", ".bin")


@dataclass(frozen=True)
class Ingredient:
    """A file or folder that went in; the hash of a folder is over its weight files' hashes."""

    path: Path
    sha256: str
    metadata: Mapping[str, str] = field(default_factory=dict)


def ingredient(path: Path, metadata: Mapping[str, str] | None = None) -> Ingredient:
    """Hash an input."""
    return Ingredient(path, source_hash(path), metadata or {})


def source_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of the list `hash  name` of a folder's weight files."""
    if path.is_file():
        return file_hash(path)
    lines = [
        f"{file_hash(file)}  {file.relative_to(path).as_posix()}\n"
        for file in sorted(path.rglob("*"))
        if file.suffix in WEIGHTS
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def recipe_metadata(
    kind: str, inputs: Sequence[Ingredient], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Return the recipe's keys; the recipes of the inputs themselves are carried on."""
    recipe = {
        "type": "atelier",
        "interp_method": kind,
        **settings,
        "engine_version": ENGINE_VERSION,
    }
    known: dict[str, Any] = {}
    for part in inputs:
        known[part.sha256] = {
            "name": part.path.name,
            "legacy_hash": window_hash(part.path) if part.path.is_file() else None,
            RECIPE: _loaded(part.metadata.get(RECIPE)),
        }
        known |= _loaded(part.metadata.get(MODELS)) or {}
    names = [_title(part) for part in inputs]
    return {
        RECIPE: json.dumps(recipe, ensure_ascii=False),
        MODELS: json.dumps(known, ensure_ascii=False),
        "modelspec.merged_from": ", ".join(names),
    }


def checkpoint_metadata(architecture: str, title: str, kept: Mapping[str, str]) -> dict[str, str]:
    """Return the modelspec keys of a checkpoint; what the first input says of itself stays."""
    row = ARCHITECTURES[architecture]
    velocity = row.v2 and kept.get("modelspec.prediction_type") == "v"
    spec = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": V2_VELOCITY if velocity else row.modelspec,
        "modelspec.implementation": row.implementation,
    }
    stays = {
        key: value
        for key, value in kept.items()
        if key.startswith("modelspec.") and not key.endswith(("hash_sha256", "thumbnail"))
    }
    return {**spec, **stays, "modelspec.title": title}


def _loaded(text: str | None) -> Any:
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _title(part: Ingredient) -> str:
    return part.metadata.get("modelspec.title") or part.path.stem
