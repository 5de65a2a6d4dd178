"""Names of an autoencoder's tensors: diffusers' own, and those of single-file checkpoints (ldm).

Both ways are read from one table; the levels of the decoder count from the other end in ldm.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

# diffusers' name, ldm's name; # is a number, and a name is made of whole parts between dots
_PAIRS: Final = (
    ("down_blocks.#.resnets.#", "down.#.block.#"),
    ("down_blocks.#.downsamplers.0", "down.#.downsample"),
    ("up_blocks.#.resnets.#", "up.#.block.#"),
    ("up_blocks.#.upsamplers.0", "up.#.upsample"),
    ("mid_block.resnets.0", "mid.block_1"),
    ("mid_block.resnets.1", "mid.block_2"),
    ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
    ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
    ("mid_block.attentions.0.to_q", "mid.attn_1.q"),
    ("mid_block.attentions.0.to_k", "mid.attn_1.k"),
    ("mid_block.attentions.0.to_v", "mid.attn_1.v"),
    ("conv_shortcut", "nin_shortcut"),
    ("conv_norm_out", "norm_out"),
)
_LDM_LEVEL = re.compile(r"(?<![^.])up\.(\d+)(?![^.])")


def _rule(given: str, wanted: str) -> Callable[[str], str]:
    parts = r"(\d+)".join(re.escape(part) for part in given.split("#"))
    pattern = re.compile(rf"(?<![^.]){parts}(?![^.])")
    first, *others = wanted.split("#")
    replacement = first + "".join(rf"\g<{at}>{part}" for at, part in enumerate(others, 1))
    return lambda name: pattern.sub(replacement, name)


_TO_LDM: Final = tuple(_rule(ours, theirs) for ours, theirs in _PAIRS)
_TO_DIFFUSERS: Final = tuple(_rule(theirs, ours) for ours, theirs in _PAIRS)


def ldm_name(name: str, levels: int) -> str:
    """Return ldm's name for diffusers' one, without prefix; `levels` of the autoencoder in all."""
    for rule in _TO_LDM:
        name = rule(name)
    return _from_the_other_end(name, levels)


def diffusers_name(name: str, levels: int) -> str:
    """Return diffusers' name for ldm's one, without prefix; `levels` of the autoencoder in all."""
    name = _from_the_other_end(name, levels)
    for rule in _TO_DIFFUSERS:
        name = rule(name)
    return name


def _from_the_other_end(name: str, levels: int) -> str:
    return _LDM_LEVEL.sub(lambda match: f"up.{levels - 1 - int(match[1])}", name)
