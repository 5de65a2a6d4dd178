"""A checkpoint's tensors as the components that they belong to, under diffusers' names."""

from __future__ import annotations

import re

from training.engine.files.checkpoint_names import (
    OPEN_CLIP_NAMES,
    SD1_TEXT,
    SD2_TEXT,
    UNET,
    VAE,
    XL_TEXT,
    Family,
    diffusers_path,
    layers_per_block,
)
from training.engine.files.lazy_tensors import LazyTensor, LazyTensors
from training.engine.files.vae_names import diffusers_name


def parts_of(tensors: LazyTensors, family: Family) -> tuple[dict[str, LazyTensors], set[str]]:
    """Return the tensors of each component in diffusers' names, and the names of the rest.

    A checkpoint without a VAE has no such component.
    """
    layers = layers_per_block(n.removeprefix(UNET) for n in tensors if n.startswith(UNET))
    numbers = (re.match(r"first_stage_model\S+up\.(\d+)\.", name) for name in tensors)
    levels = 1 + max((int(match[1]) for match in numbers if match), default=-1)
    found: dict[str, LazyTensors] = {"unet": {}}
    left_out = set()
    for name, tensor in tensors.items():
        if name.startswith(UNET):
            path, _, kind = name.removeprefix(UNET).rpartition(".")
            try:
                found["unet"][f"{diffusers_path(path, layers)}.{kind}"] = tensor
            except KeyError:  # a layer that no UNet of these families has
                left_out.add(name)
        elif name.startswith(VAE) and levels:
            renamed, changed = _vae_tensor(name.removeprefix(VAE), tensor, levels)
            found.setdefault("vae", {})[renamed] = changed
        elif not _text_tensor(name, tensor, family, found):
            left_out.add(name)
    return found, left_out


def _vae_tensor(name: str, tensor: LazyTensor, levels: int) -> tuple[str, LazyTensor]:
    attends = ".attn_1." in name and len(tensor.shape) == 4
    name = diffusers_name(name, levels)
    return name, tensor.reshaped(*tensor.shape[:2]) if attends else tensor


def _text_tensor(
    name: str, tensor: LazyTensor, family: Family, found: dict[str, LazyTensors]
) -> bool:
    """Put a text encoder's tensor in its place; False where it is none, or has no place."""
    second = family == "sdxl" and name.startswith(XL_TEXT[1])
    prefix = {"sd1": SD1_TEXT, "sd2": SD2_TEXT, "sdxl": XL_TEXT[int(second)]}[family]
    if not name.startswith(prefix) or name.endswith("position_ids"):
        return False
    rest = name.removeprefix(prefix)
    part = found.setdefault("text_encoder_2" if second else "text_encoder", {})
    if prefix in (SD1_TEXT, XL_TEXT[0]):
        part["text_model." + rest.removeprefix("text_model.")] = tensor
        return True
    if rest == "text_projection" and second:
        part["text_projection.weight"] = tensor.transposed()
        return True
    return _open_clip(rest, tensor, part)


def _open_clip(name: str, tensor: LazyTensor, part: LazyTensors) -> bool:
    if name in ("logit_scale", "text_projection"):
        return False
    match = re.match(r"transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)$", name)
    if match:
        height = tensor.shape[0] // 3
        for third, letter in enumerate("qkv"):
            layer = f"text_model.encoder.layers.{match[1]}.self_attn.{letter}_proj.{match[2]}"
            part[layer] = tensor.rows(third * height, (third + 1) * height)
        return True
    for ours, theirs in OPEN_CLIP_NAMES:
        name = name.replace(theirs, ours)
    part["text_model." + name] = tensor
    return True
