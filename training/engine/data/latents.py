"""Latents of pictures, cached on disk by content and shared by all runs.

The key holds everything that decides the values: picture, crop, size, mirroring and VAE. Each
picture is encoded on its own, so that a value never depends on its neighbours in a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.engine.components import Components
from training.engine.data.tensor_cache import cache_path, read_cached, write_cached

CACHE_VERSION = 1
Size = tuple[int, int]


@dataclass(frozen=True)
class Latent:
    """The VAE's distribution for a picture, float32 on the CPU, each (channels, h, w)."""

    mean: torch.Tensor
    std: torch.Tensor


class LatentCache:
    """Encodes pictures once; the second run on the same picture and VAE reads a small file."""

    def __init__(self, folder: Path, components: Components) -> None:
        self.folder = folder / "latents"
        self.vae = components.vae
        self.device = components.device
        self.vae_hash = components.fingerprint("vae", self.vae)
        self.hits = 0
        self.misses = 0

    def get(
        self,
        sha256: str,
        crop: tuple[int, ...] | None,
        bucket: Size,
        *,
        flipped: bool,
        pixels: Callable[[], np.ndarray],
    ) -> Latent:
        """Return the latent of a picture; `pixels()` is called only when it is not cached."""
        path = self._path(sha256, crop, bucket, flipped=flipped)
        found = read_cached(path)
        if found is not None and found.keys() == {"mean", "std"}:
            self.hits += 1
            return Latent(**found)
        self.misses += 1
        image = pixels()
        latent = self._encode(image[:, ::-1] if flipped else image)
        write_cached(path, {"mean": latent.mean, "std": latent.std})
        return latent

    def _path(
        self, sha256: str, crop: tuple[int, ...] | None, bucket: Size, *, flipped: bool
    ) -> Path:
        parts = [CACHE_VERSION, sha256, crop, bucket, flipped, self.vae_hash]
        return cache_path(self.folder, parts)

    @torch.no_grad()
    def _encode(self, pixels: np.ndarray) -> Latent:
        image = torch.from_numpy(np.array(pixels)).to(self.device)
        image = image.permute(2, 0, 1)[None].float() / 127.5 - 1
        found = self.vae.encode(image.to(self.vae.dtype)).latent_dist
        return Latent(found.mean[0].float().cpu(), found.std[0].float().cpu())
