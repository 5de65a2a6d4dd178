"""The autoencoder of Stable Diffusion in plain torch, built from diffusers' config.

https://arxiv.org/abs/2112.10752, appendix G; names and arithmetic are those of diffusers'
AutoencoderKL, which tests compare it with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.engine.parts.blocks import Downsample2D, ResnetBlock2D, Upsample2D
from training.engine.parts.plan import AUTOENCODER, Plan

EPS = 1e-6
LEAST_LOG, MOST_LOG = -30.0, 20.0  # of a variance


@dataclass(frozen=True)
class Distribution:
    """A normal distribution for each value of a latent, both (n, channels, h, w)."""

    mean: Tensor
    std: Tensor

    def mode(self) -> Tensor:
        """Return the most likely latent."""
        return self.mean


@dataclass(frozen=True)
class Encoded:
    """What the encoder makes of pictures."""

    latent_dist: Distribution


@dataclass(frozen=True)
class Decoded:
    """Pictures (n, 3, h, w) between -1 and 1."""

    sample: Tensor


class MapAttention(nn.Module):
    """Attention of all places of a map to each other, with one head, beside a short way."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, EPS)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x: Tensor) -> Tensor:
        """Return x (n, c, h, w) plus what its places see of each other."""
        places = self.group_norm(x.flatten(2)).transpose(1, 2)[:, None]
        query, key, value = self.to_q(places), self.to_k(places), self.to_v(places)
        mixed = F.scaled_dot_product_attention(query, key, value)[:, 0]
        out: Tensor = self.to_out[0](mixed).transpose(1, 2).reshape(x.shape) + x
        return out


class _Middle(nn.Module):
    def __init__(self, channels: int, plan: Plan) -> None:
        super().__init__()
        if plan.mid_block_add_attention:
            self.attentions = nn.ModuleList([MapAttention(channels, plan.norm_num_groups)])
        self.resnets = nn.ModuleList(_resnet(channels, channels, plan) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.resnets[0](x)
        if "attentions" in self._modules:
            x = self.attentions[0](x)
        out: Tensor = self.resnets[1](x)
        return out


class _Level(nn.Module):
    """Resnets, then another size where it is not the last level."""

    def __init__(self, inside: int, outside: int, layers: int, plan: Plan) -> None:
        super().__init__()
        widths = [inside, *[outside] * (layers - 1)]
        self.resnets = nn.ModuleList(_resnet(width, outside, plan) for width in widths)

    def forward(self, x: Tensor) -> Tensor:
        for resnet in self.resnets:
            x = resnet(x)
        for name in ("downsamplers", "upsamplers"):
            if name in self._modules:
                x = self._modules[name][0](x)  # type: ignore[index]
        return x


def _resnet(inside: int, outside: int, plan: Plan) -> ResnetBlock2D:
    return ResnetBlock2D(inside, outside, groups=plan.norm_num_groups, eps=EPS)


class Encoder(nn.Module):
    """From pictures to the figures of a distribution."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        channels = plan.block_out_channels
        self.conv_in = nn.Conv2d(plan.in_channels, channels[0], 3, padding=1)
        self.down_blocks = nn.ModuleList()
        for number, outside in enumerate(channels):
            inside = channels[max(0, number - 1)]
            level = _Level(inside, outside, plan.layers_per_block, plan)
            if number < len(channels) - 1:
                level.downsamplers = nn.ModuleList([Downsample2D(outside, padding=0)])
            self.down_blocks.append(level)
        self.mid_block = _Middle(channels[-1], plan)
        self.conv_norm_out = nn.GroupNorm(plan.norm_num_groups, channels[-1], EPS)
        self.conv_out = nn.Conv2d(channels[-1], 2 * plan.latent_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, 2 latent channels, h, w), smaller by one half for each level but the last."""
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        out: Tensor = self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))
        return out


class Decoder(nn.Module):
    """From latents to pictures."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        channels = plan.block_out_channels[::-1]
        self.conv_in = nn.Conv2d(plan.latent_channels, channels[0], 3, padding=1)
        self.up_blocks = nn.ModuleList()
        self.mid_block = _Middle(channels[0], plan)
        for number, outside in enumerate(channels):
            inside = channels[max(0, number - 1)]
            level = _Level(inside, outside, plan.layers_per_block + 1, plan)
            if number < len(channels) - 1:
                level.upsamplers = nn.ModuleList([Upsample2D(outside)])
            self.up_blocks.append(level)
        self.conv_norm_out = nn.GroupNorm(plan.norm_num_groups, channels[-1], EPS)
        self.conv_out = nn.Conv2d(channels[-1], plan.out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return pictures for latents (n, latent channels, h, w)."""
        x = self.mid_block(self.conv_in(x))
        for block in self.up_blocks:
            x = block(x)
        out: Tensor = self.conv_out(F.silu(self.conv_norm_out(x)))
        return out


class AutoencoderKL(nn.Module):
    """Between pictures and latents; scaling is left to who asks, see the config."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = plan = AUTOENCODER.plan(config)
        latent = plan.latent_channels
        self.encoder = Encoder(plan)
        self.decoder = Decoder(plan)
        self.quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1) if plan.use_quant_conv else None
        self.post_quant_conv = nn.Conv2d(latent, latent, 1) if plan.use_post_quant_conv else None

    def encode(self, pictures: Tensor) -> Encoded:
        """Return the distribution of the latents of pictures (n, 3, h, w) between -1 and 1."""
        figures = self.encoder(pictures)
        if self.quant_conv is not None:
            figures = self.quant_conv(figures)
        mean, log_variance = figures.chunk(2, dim=1)
        std = torch.exp(0.5 * log_variance.clamp(LEAST_LOG, MOST_LOG))
        return Encoded(Distribution(mean, std))

    def decode(self, latents: Tensor) -> Decoded:
        """Return the pictures of latents (n, channels, h, w)."""
        if self.post_quant_conv is not None:
            latents = self.post_quant_conv(latents)
        return Decoded(self.decoder(latents))

    @property
    def dtype(self) -> torch.dtype:
        """Return the number format of the weights."""
        return self.encoder.conv_in.weight.dtype
