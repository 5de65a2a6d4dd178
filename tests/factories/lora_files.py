"""LoRA files with random numbers, for any checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch

from training.engine.files.checkpoint_names import layer_places
from training.engine.files.lazy_tensors import open_tensors
from training.engine.tools.lora_files import LowRank, save_lora


def random_lora(
    checkpoint: Path, path: Path, *, seed: int, rank: int = 2, alpha: float = 3.0
) -> Path:
    """Write a LoRA with random numbers on every layer that kohya's scripts adapt, convs too."""
    draws = torch.Generator().manual_seed(seed)
    tensors = open_tensors(checkpoint).tensors
    layers = {}
    for place in layer_places(tensors):
        if place.part == "other":
            continue
        shape = place.weight(tensors).shape
        down = torch.randn((rank, *shape[1:]), generator=draws)
        up = torch.randn((shape[0], rank, *(1 for _ in shape[2:])), generator=draws) * 0.02
        layers[place.name] = LowRank(up, down, alpha / rank)
    save_lora(path, layers, torch.float32, {"ss_base_model_version": "sd_v1"})
    return path
