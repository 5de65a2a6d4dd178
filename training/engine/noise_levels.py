"""How much of a picture is left at each timestep, from the config of a base model's schedule."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from training.engine.errors import BaseModelError

MOST_BETA = 0.999


def noise_levels(config: Mapping[str, Any]) -> Tensor:
    """Return alphas_cumprod, one float32 value a timestep; defaults are those of diffusers.

    With `rescale_betas_zero_snr` the last is 0 (algorithm 1 of https://arxiv.org/abs/2305.08891).
    Raises BaseModelError for a schedule that is not known.
    """
    levels = torch.cumprod(1.0 - _betas(config), dim=0)
    if not config.get("rescale_betas_zero_snr"):
        return levels
    signal = levels.sqrt()
    first, last = signal[0].clone(), signal[-1].clone()
    return ((signal - last) * (first / (first - last))) ** 2


def _betas(config: Mapping[str, Any]) -> Tensor:
    """Return the share of noise that each timestep adds."""
    count = int(config.get("num_train_timesteps", 1000))
    start, end = config.get("beta_start", 0.0001), config.get("beta_end", 0.02)
    kind = config.get("beta_schedule", "linear")
    if config.get("trained_betas") is not None:
        return torch.tensor(config["trained_betas"], dtype=torch.float32)
    if kind == "linear":
        return torch.linspace(start, end, count, dtype=torch.float32)
    if kind == "scaled_linear":
        return torch.linspace(start**0.5, end**0.5, count, dtype=torch.float32) ** 2
    if kind == "squaredcos_cap_v2":
        kept = [math.cos((n / count + 0.008) / 1.008 * math.pi / 2) ** 2 for n in range(count + 1)]
        pairs = itertools.pairwise(kept)
        return torch.tensor([min(1 - after / before, MOST_BETA) for before, after in pairs])
    raise BaseModelError(
        f"The noise schedule of this base model is {kind!r}, which the engine does not know. "
        "Choose a model made from SD 1, SD 2 or SDXL."
    )
