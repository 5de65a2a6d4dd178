"""Names of the UNet's parts in the original (ldm, sgm) layout, computed from its config.

Works for any number of levels and layers, so that small models need no table of their own.
https://github.com/CompVis/stable-diffusion/blob/main/ldm/modules/diffusionmodules/openaimodel.py
"""

from __future__ import annotations

import re
from typing import Any

_TOP = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_BLOCK = re.compile(
    r"^(down_blocks|up_blocks)\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.?(.*)$"
)
_MIDDLE = re.compile(r"^mid_block\.(resnets|attentions)\.(\d+)\.?(.*)$")


def ldm_module_path(path: str, config: Any) -> str:
    """Return the ldm path of a module of a UNet2DConditionModel with this config.

    Raises KeyError for a part that the original layout has no place for.
    """
    if path in _TOP:
        return _TOP[path]
    middle = _MIDDLE.match(path)
    if middle:
        kind, number, rest = middle.groups()
        index = 2 * int(number) + int(kind == "attentions")
        return _joined(f"middle_block.{index}", kind, rest)
    block = _BLOCK.match(path)
    if not block:
        raise KeyError(path)
    side, level, part, place, inner = block.groups()
    if side == "down_blocks":
        return _down(int(level), part, int(place), inner, config)
    return _up(int(level), part, int(place), inner, config)


def _down(level: int, kind: str, number: int, rest: str, config: Any) -> str:
    layers = config.layers_per_block
    start = 1 + level * (layers + 1)
    if kind == "downsamplers":
        return f"input_blocks.{start + layers}.0.op"
    return _joined(f"input_blocks.{start + number}.{int(kind == 'attentions')}", kind, rest)


def _up(level: int, kind: str, number: int, rest: str, config: Any) -> str:
    layers = config.layers_per_block + 1
    start = level * layers
    if kind == "upsamplers":
        attends = "CrossAttn" in config.up_block_types[level]
        return f"output_blocks.{start + layers - 1}.{2 if attends else 1}.conv"
    return _joined(f"output_blocks.{start + number}.{int(kind == 'attentions')}", kind, rest)


def _joined(place: str, kind: str, rest: str) -> str:
    inner = _RESNET[rest] if kind == "resnets" and rest else rest
    return f"{place}.{inner}" if inner else place
