"""The UNet of Stable Diffusion 1, 2 and XL in plain torch, built from diffusers' config.

https://arxiv.org/abs/2112.10752; names and arithmetic are those of diffusers' UNet2DConditionModel,
which tests compare it with. Importing diffusers for it would take longer than a small run's start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.engine.parts.blocks import Checkpointing, Downsample2D, ResnetBlock2D, Upsample2D
from training.engine.parts.plan import UNET, Plan
from training.engine.parts.transformer import Transformer2DModel

LONGEST_PERIOD = 10_000


def sinusoids(values: Tensor, width: int, plan: Plan) -> Tensor:
    """Return cosines and sines of numbers (n,) at falling frequencies, shape (n, width)."""
    half = width // 2
    places = torch.arange(half, dtype=torch.float32, device=values.device)
    frequencies = torch.exp(-math.log(LONGEST_PERIOD) * places / (half - plan.freq_shift))
    angles = values[:, None].float() * frequencies[None]
    waves = [angles.cos(), angles.sin()] if plan.flip_sin_to_cos else [angles.sin(), angles.cos()]
    return torch.cat(waves, dim=-1)


class TimestepEmbedding(nn.Module):
    """Two layers; `condition` is the width of a further input, which models without guidance have.

    It is kept for the sake of their files: what it is asked for is nothing here.
    """

    def __init__(self, inside: int, outside: int, condition: int | None = None) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(inside, outside)
        if condition is not None:
            self.cond_proj = nn.Linear(condition, inside, bias=False)
        self.linear_2 = nn.Linear(outside, outside)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outside) for x (n, inside)."""
        out: Tensor = self.linear_2(F.silu(self.linear_1(x)))
        return out


@dataclass(frozen=True)
class _Level:
    """The sizes of one level of the UNet."""

    attends: bool
    layers: int
    channels: int
    heads: int
    context: int
    depths: tuple[int, ...]  # of the transformer beside each resnet


class _Block(Checkpointing):
    """Resnets with a transformer after each, where the level has them."""

    def __init__(self, level: _Level, inputs: list[int], plan: Plan) -> None:
        super().__init__()
        if level.attends:
            self.attentions = nn.ModuleList(_transformer(level, d, plan) for d in level.depths)
        self.resnets = nn.ModuleList(_resnet(width, level.channels, plan) for width in inputs)

    def layer(self, number: int, x: Tensor, time: Tensor, text: Tensor) -> Tensor:
        """Return x after one resnet and its transformer."""
        x = self.passed(self.resnets[number], x, time)
        attends = "attentions" in self._modules
        return self.attentions[number](x, text) if attends else x


class DownBlock(_Block):
    """A level on the way down; the last one stays at its size."""

    def __init__(self, level: _Level, width: int, plan: Plan, *, last: bool) -> None:
        super().__init__(level, [width, *[level.channels] * (level.layers - 1)], plan)
        if not last:
            self.downsamplers = nn.ModuleList([Downsample2D(level.channels, padding=1)])

    def forward(self, x: Tensor, time: Tensor, text: Tensor) -> list[Tensor]:
        """Return all maps that the way up takes again; the last one goes on."""
        kept = []
        for number in range(len(self.resnets)):
            x = self.layer(number, x, time, text)
            kept.append(x)
        if "downsamplers" in self._modules:
            kept.append(self.downsamplers[0](x))
        return kept


class UpBlock(_Block):
    """A level on the way up; each resnet takes a map of the way down beside its own."""

    def __init__(
        self, level: _Level, width: int, skipped: list[int], plan: Plan, *, last: bool
    ) -> None:
        own = [width, *[level.channels] * (level.layers - 1)]
        super().__init__(level, [a + b for a, b in zip(own, skipped, strict=True)], plan)
        if not last:
            self.upsamplers = nn.ModuleList([Upsample2D(level.channels)])

    def forward(self, x: Tensor, skips: list[Tensor], time: Tensor, text: Tensor) -> Tensor:
        """Return the map for the next level; takes its own off the end of `skips`."""
        for number in range(len(self.resnets)):
            x = self.layer(number, torch.cat([x, skips.pop()], dim=1), time, text)
        if "upsamplers" in self._modules:
            x = self.upsamplers[0](x, skips[-1].shape[2:])
        return x


class MiddleBlock(Checkpointing):
    """A resnet, then a transformer and a resnet."""

    def __init__(self, level: _Level, plan: Plan) -> None:
        super().__init__()
        width = level.channels
        self.attentions = nn.ModuleList([_transformer(level, level.depths[0], plan)])
        self.resnets = nn.ModuleList(_resnet(width, width, plan) for _ in range(2))

    def forward(self, x: Tensor, time: Tensor, text: Tensor) -> Tensor:
        """Return a map of the shape of x."""
        x = self.attentions[0](self.passed(self.resnets[0], x, time), text)
        return self.passed(self.resnets[1], x, time)


def _resnet(inside: int, outside: int, plan: Plan) -> ResnetBlock2D:
    time = 4 * plan.block_out_channels[0]
    groups, eps = plan.norm_num_groups, plan.norm_eps
    return ResnetBlock2D(inside, outside, groups=groups, eps=eps, time=time)


def _transformer(level: _Level, depth: int, plan: Plan) -> Transformer2DModel:
    return Transformer2DModel(
        level.channels,
        heads=level.heads,
        context=level.context,
        layers=depth,
        groups=plan.norm_num_groups,
        linear=plan.use_linear_projection,
    )


@dataclass(frozen=True)
class Prediction:
    """What a UNet predicts, of the shape of what it was shown."""

    sample: Tensor


class UNet2DConditionModel(nn.Module):
    """Predicts noise, or velocity, of a noisy latent from its timestep and a text."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = plan = UNET.plan(config)
        channels, kernel = plan.block_out_channels, plan.conv_in_kernel
        time = 4 * channels[0]
        self.conv_in = nn.Conv2d(plan.in_channels, channels[0], kernel, padding=(kernel - 1) // 2)
        self.time_embedding = TimestepEmbedding(channels[0], time, plan.time_cond_proj_dim)
        if plan.addition_embed_type:
            inside = plan.projection_class_embeddings_input_dim
            self.add_embedding = TimestepEmbedding(inside, time)
        down, up = _levels(plan)
        widths = [channels[0]]  # of all maps that are kept on the way down
        self.down_blocks = nn.ModuleList()
        for number, level in enumerate(down):
            last = number == len(down) - 1
            self.down_blocks.append(DownBlock(level, widths[-1], plan, last=last))
            widths += [level.channels] * (level.layers + (not last))
        self.up_blocks = nn.ModuleList()
        self.mid_block = MiddleBlock(down[-1], plan) if plan.mid_block_type else None
        width = channels[-1]
        for number, level in enumerate(up):
            skipped = [widths.pop() for _ in range(level.layers)]
            last = number == len(up) - 1
            self.up_blocks.append(UpBlock(level, width, skipped, plan, last=last))
            width = level.channels
        self.conv_norm_out = nn.GroupNorm(plan.norm_num_groups, channels[0], plan.norm_eps)
        kernel = plan.conv_out_kernel
        self.conv_out = nn.Conv2d(channels[0], plan.out_channels, kernel, padding=(kernel - 1) // 2)

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        added_cond_kwargs: Mapping[str, Tensor] | None = None,
    ) -> Prediction:
        """Return the prediction for a sample (n, c, h, w) with timesteps () or (n,).

        The text is (n, tokens, width). SDXL also has `text_embeds` (n, pooled) and `time_ids`
        (n, 6): sizes of the picture, see https://arxiv.org/abs/2307.01952.
        """
        time = F.silu(self._time(sample, timestep, added_cond_kwargs))
        text = encoder_hidden_states
        skips = [self.conv_in(sample)]
        for block in self.down_blocks:
            skips += block(skips[-1], time, text)
        x = skips[-1]
        if self.mid_block is not None:
            x = self.mid_block(x, time, text)
        for block in self.up_blocks:
            x = block(x, skips, time, text)
        return Prediction(self.conv_out(F.silu(self.conv_norm_out(x))))

    def _time(self, sample: Tensor, timestep: Tensor, added: Mapping[str, Tensor] | None) -> Tensor:
        """Return the embedding of the timestep, and of SDXL's conditions, shape (n, width)."""
        plan = self.config
        timesteps = timestep.to(sample.device).reshape(-1).expand(len(sample))
        waves = sinusoids(timesteps, plan.block_out_channels[0], plan)
        embedded: Tensor = self.time_embedding(waves.to(sample.dtype))
        if not plan.addition_embed_type or added is None:
            return embedded
        pooled, sizes = added["text_embeds"], added["time_ids"]
        size_waves = sinusoids(sizes.flatten(), plan.addition_time_embed_dim, plan)
        conditions = torch.cat([pooled, size_waves.reshape(len(pooled), -1)], dim=-1)
        return embedded + self.add_embedding(conditions.to(embedded.dtype))

    @property
    def dtype(self) -> torch.dtype:
        """Return the number format of the weights."""
        return self.conv_in.weight.dtype

    @property
    def is_gradient_checkpointing(self) -> bool:
        """Tell whether inner values are computed again in the backward pass."""
        return any(part.checkpointing for part in self.modules() if isinstance(part, Checkpointing))

    def enable_gradient_checkpointing(self) -> None:
        """Compute inner values again in the backward pass, instead of keeping them."""
        for part in self.modules():
            if isinstance(part, Checkpointing):
                part.checkpointing = True


def _levels(plan: Plan) -> tuple[list[_Level], list[_Level]]:
    """Return the levels of the way down and of the way up, each from its beginning."""
    count = len(plan.block_out_channels)

    def each(value: Any) -> list[Any]:
        return list(value) if isinstance(value, list | tuple) else [value] * count

    layers, heads = each(plan.layers_per_block), each(plan.attention_head_dim)
    contexts, depths = each(plan.cross_attention_dim), each(plan.transformer_layers_per_block)
    up_depths = plan.reverse_transformer_layers_per_block or depths[::-1]

    def level(kind: str, number: int, depth: Any, more: int) -> _Level:
        own = layers[number] + more
        several = tuple(depth) if isinstance(depth, list | tuple) else (depth,) * own
        return _Level(
            kind.startswith("CrossAttn"), own, plan.block_out_channels[number],
            heads[number], contexts[number], several,
        )  # fmt: skip

    down = [level(kind, n, depths[n], 0) for n, kind in enumerate(plan.down_block_types)]
    up = [level(kind, count - 1 - n, up_depths[n], 1) for n, kind in enumerate(plan.up_block_types)]
    return down, up
