"""Latents of pictures, cached on disk by content and shared by all runs.

The key holds everything that decides the values: picture, crop, size, mirroring and VAE. Each
picture is encoded on its own, so that a value never depends on its neighbours in a batch.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from training.engine.components import Components

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
        found = _read(path)
        if found is not None:
            self.hits += 1
            return found
        self.misses += 1
        image = pixels()
        latent = self._encode(image[:, ::-1] if flipped else image)
        _write(path, latent)
        return latent

    def _path(
        self, sha256: str, crop: tuple[int, ...] | None, bucket: Size, *, flipped: bool
    ) -> Path:
        parts = [CACHE_VERSION, sha256, crop, bucket, flipped, self.vae_hash]
        key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.safetensors"

    @torch.no_grad()
    def _encode(self, pixels: np.ndarray) -> Latent:
        image = torch.from_numpy(np.array(pixels)).to(self.device)
        image = image.permute(2, 0, 1)[None].float() / 127.5 - 1
        found = self.vae.encode(image.to(self.vae.dtype)).latent_dist
        return Latent(found.mean[0].float().cpu(), found.std[0].float().cpu())


def _read(path: Path) -> Latent | None:
    try:
        tensors = load_file(path)
        return Latent(tensors["mean"], tensors["std"])
    except (OSError, SafetensorError, KeyError):
        return None  # absent, or cut short by a crash of the machine: encode it again


def _write(path: Path, latent: Latent) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    save_file({"mean": latent.mean.contiguous(), "std": latent.std.contiguous()}, beside)
    os.replace(beside, path)  # noqa: PTH105 - the atomic one
