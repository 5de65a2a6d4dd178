"""Text embeddings of captions, cached on disk by content and shared by all runs.

Only for text encoders that stand still. The key holds everything that decides the values: text,
reading (weights, length, clip skip), encoders, number format and device.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.engine.components import Components
from training.engine.data.tensor_cache import cache_path, read_cached, write_cached
from training.engine.text import Conditioning

CACHE_VERSION = 2


class TextCache:
    """Encodes captions once; the second run on the same encoders reads a small file."""

    def __init__(self, folder: Path, components: Components) -> None:
        self.folder = folder / "texts"
        self._components = components
        self.hits = 0
        self.misses = 0

    def get(self, reading: list[Any], encode: Callable[[], Conditioning]) -> Conditioning:
        """Return the embeddings of a text read in a way; `encode()` is called where none are."""
        components = self._components
        weights = components.identity or [
            components.fingerprint(f"text encoder {number}", encoder)
            for number, encoder in enumerate(components.text_encoders)
        ]
        parts = [CACHE_VERSION, reading, weights, components.compute, components.device]
        path = cache_path(self.folder, parts)
        found = read_cached(path)
        if found is not None and "embeddings" in found:
            self.hits += 1
            pooled = found.get("pooled")
            device = components.device
            return Conditioning(
                found["embeddings"].to(device), pooled.to(device) if pooled is not None else None
            )
        self.misses += 1
        made = encode()
        tensors = {"embeddings": made.embeddings.cpu()}
        if made.pooled is not None:
            tensors["pooled"] = made.pooled.cpu()
        write_cached(path, tensors)
        return made
