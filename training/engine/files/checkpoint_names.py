"""Which layer of a single-file checkpoint each LoRA name means, told from the names alone.

The way back of `unet_names`: from the original (ldm, sgm) layout to diffusers' paths. The number
of layers of a level is read from where the downsamplers lie, so that any size fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from training.engine.architectures import family_of_width
from training.engine.errors import BaseModelError
from training.engine.files.lazy_tensors import LazyTensor

UNET = "model.diffusion_model."
VAE = "first_stage_model."
SD1_TEXT = "cond_stage_model.transformer."
SD2_TEXT = "cond_stage_model.model."
XL_TEXT = ("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model.")
# A part of a name of transformers' CLIP, and what OpenCLIP calls it.
OPEN_CLIP_NAMES: tuple[tuple[str, str], ...] = (
    ("encoder.layers.", "transformer.resblocks."),
    ("layer_norm1", "ln_1"),
    ("layer_norm2", "ln_2"),
    ("mlp.fc1", "mlp.c_fc"),
    ("mlp.fc2", "mlp.c_proj"),
    ("self_attn.out_proj", "attn.out_proj"),
    ("embeddings.token_embedding.weight", "token_embedding.weight"),
    ("embeddings.position_embedding.weight", "positional_embedding"),
    ("final_layer_norm", "ln_final"),
)
Family = Literal["sd1", "sd2", "sdxl"]
Part = Literal["attention", "resnet", "text", "other"]

_TOP = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_DOWNSAMPLER = re.compile(r"^input_blocks\.(\d+)\.0\.op\.weight$")
_BLOCK = re.compile(r"^(input_blocks|output_blocks)\.(\d+)\.(\d)\.(.+)$")
_MIDDLE = re.compile(r"^middle_block\.(\d+)\.(.+)$")
_CLIP_LAYER = re.compile(r"^(?:text_model\.)?(encoder\.layers\.\d+\.\w+\.\w+)\.weight$")
_OPEN_CLIP_LAYER = re.compile(r"^transformer\.resblocks\.(\d+)\.(.+)$")
_OPEN_CLIP = {
    "attn.out_proj.weight": "self_attn_out_proj",
    "mlp.c_fc.weight": "mlp_fc1",
    "mlp.c_proj.weight": "mlp_fc2",
}


@dataclass(frozen=True)
class LayerPlace:
    """A layer that a LoRA can change: its names in LoRA files, and where its weight lies.

    `third` is the place (0, 1, 2) within a matrix that holds q, k and v on top of each other.
    """

    name: str
    aliases: tuple[str, ...]
    tensor: str
    part: Part
    third: int | None = None
    transposed: bool = False
    is_bias: bool = False

    def bias(self) -> LayerPlace:
        """Return the place of the layer's bias."""
        tensor = re.sub(r"([._])weight$", r"\1bias", self.tensor)
        return replace(self, tensor=tensor, is_bias=True)

    def weight(self, tensors: Mapping[str, LazyTensor]) -> LazyTensor:
        """Return the layer's own weight out of a checkpoint."""
        whole = tensors[self.tensor]
        if self.transposed:
            return whole.transposed()
        if self.third is None:
            return whole
        height = whole.shape[0] // 3
        return whole.rows(self.third * height, (self.third + 1) * height)


def family_of(names: Iterable[str]) -> Family:
    """Tell SD 1, SD 2 and SDXL apart by their text encoders.

    Raises BaseModelError where there is no UNet, or no text encoder that is known.
    """
    known = set(names)
    if not any(name.startswith(UNET) for name in known):
        raise BaseModelError(
            "This is not a Stable Diffusion checkpoint: it holds no UNet under "
            f"{UNET}…. Choose a full checkpoint file, or a folder in diffusers layout."
        )
    marks: tuple[tuple[str, Family], ...] = (
        (XL_TEXT[1], "sdxl"),
        (SD2_TEXT, "sd2"),
        (SD1_TEXT, "sd1"),
    )
    for prefix, family in marks:
        if any(name.startswith(prefix) for name in known):
            return family
    raise BaseModelError(
        "This checkpoint has no text encoder of SD 1, SD 2 or SDXL. Choose a full checkpoint."
    )


def architecture_of(tensors: Mapping[str, LazyTensor]) -> str:
    """Return the row of `architectures` that a checkpoint belongs to; small models have their own.

    Raises BaseModelError where it is no checkpoint, or its UNet reads no text.
    """
    family_of(tensors)
    for name, tensor in tensors.items():
        if name.startswith(UNET) and name.endswith(".attn2.to_k.weight"):
            return family_of_width(tensor.shape[1])
    raise BaseModelError("The UNet of this checkpoint reads no text, so it is of no known family.")


def layers_per_block(names: Iterable[str]) -> int:
    """Return the residual layers of each level; `names` are those below the UNet's prefix."""
    numbers, downsamplers = [0], []
    for name in names:
        match = _DOWNSAMPLER.match(name)
        if match:
            downsamplers.append(int(match.group(1)))
        elif name.startswith("input_blocks."):
            numbers.append(int(name.split(".", 2)[1]))
    return min(downsamplers) - 1 if downsamplers else max(numbers)


def diffusers_path(path: str, layers: int) -> str:
    """Return the path of a UNet module in diffusers' layout; KeyError where it has none."""
    if path in _TOP:
        return _TOP[path]
    middle = _MIDDLE.match(path)
    if middle:
        number, rest = int(middle.group(1)), middle.group(2)
        kind = "attentions" if number % 2 else "resnets"
        return f"mid_block.{kind}.{number // 2}.{_inner(kind, rest)}"
    block = _BLOCK.match(path)
    if not block:
        raise KeyError(path)
    side, number, place, rest = block[1], int(block[2]), int(block[3]), block[4]
    if side == "input_blocks":
        return _down(number, place, rest, layers)
    return _up(number, place, rest, layers)


def _down(number: int, place: int, rest: str, layers: int) -> str:
    level, index = divmod(number - 1, layers + 1)
    if rest == "op":
        return f"down_blocks.{level}.downsamplers.0.conv"
    kind = "attentions" if place else "resnets"
    return f"down_blocks.{level}.{kind}.{index}.{_inner(kind, rest)}"


def _up(number: int, place: int, rest: str, layers: int) -> str:
    level, index = divmod(number, layers + 1)
    if place and rest == "conv":
        return f"up_blocks.{level}.upsamplers.0.conv"
    kind = "attentions" if place else "resnets"
    return f"up_blocks.{level}.{kind}.{index}.{_inner(kind, rest)}"


def _inner(kind: str, rest: str) -> str:
    return rest if kind == "attentions" else _RESNET[rest]


def layer_places(tensors: Mapping[str, LazyTensor]) -> list[LayerPlace]:
    """Return every layer of a checkpoint that a LoRA can change, in the order of its names.

    Each is named as kohya's files name it: sgm paths for SDXL's UNet, diffusers' for the others.
    """
    family = family_of(tensors)
    below = [name.removeprefix(UNET) for name in tensors if name.startswith(UNET)]
    layers = layers_per_block(below)
    places = [
        _unet_place(name, layers, family)
        for name in sorted(below)
        if name.endswith(".weight") and len(tensors[UNET + name].shape) in (2, 4)
    ]
    if family == "sdxl":
        places += _clip_places(tensors, XL_TEXT[0], ("lora_te1",))
        places += _open_clip_places(tensors, XL_TEXT[1], ("lora_te2",))
    elif family == "sd2":
        places += _open_clip_places(tensors, SD2_TEXT, ("lora_te", "lora_te1"))
    else:
        places += _clip_places(tensors, SD1_TEXT, ("lora_te", "lora_te1"))
    return places


def norm_places(tensors: Mapping[str, LazyTensor]) -> list[LayerPlace]:
    """Return the norms of a checkpoint's UNet, which some LyCORIS files change."""
    below = [name.removeprefix(UNET) for name in tensors if name.startswith(UNET)]
    layers, family = layers_per_block(below), family_of(tensors)
    return [
        _unet_place(name, layers, family)
        for name in below
        if name.endswith(".weight") and len(tensors[UNET + name].shape) == 1
    ]


def _unet_place(name: str, layers: int, family: Family) -> LayerPlace:
    path = name.removesuffix(".weight")
    diffusers = diffusers_path(path, layers)
    names = ["lora_unet_" + p.replace(".", "_") for p in (diffusers, path)]
    if family == "sdxl":
        names.reverse()
    part: Part = "other"
    if ".attentions." in diffusers:
        part = "attention"
    elif "_block" in diffusers:
        part = "resnet"
    return LayerPlace(names[0], (names[1],), UNET + name, part)


def _clip_places(
    tensors: Mapping[str, LazyTensor], prefix: str, names: tuple[str, ...]
) -> Iterator[LayerPlace]:
    for tensor in sorted(tensors):
        match = _CLIP_LAYER.match(tensor.removeprefix(prefix))
        if tensor.startswith(prefix) and match and "norm" not in match.group(1):
            layer = "text_model_" + match.group(1).replace(".", "_")
            yield _named(names, layer, tensor)


def _open_clip_places(
    tensors: Mapping[str, LazyTensor], prefix: str, names: tuple[str, ...]
) -> Iterator[LayerPlace]:
    for tensor in sorted(tensors):
        if not tensor.startswith(prefix):
            continue
        match = _OPEN_CLIP_LAYER.match(tensor.removeprefix(prefix))
        if match and match[2] == "attn.in_proj_weight":
            for third, letter in enumerate("qkv"):
                layer = f"text_model_encoder_layers_{match[1]}_self_attn_{letter}_proj"
                yield _named(names, layer, tensor, third=third)
        elif match and match[2] in _OPEN_CLIP:
            layer = f"text_model_encoder_layers_{match[1]}_{_OPEN_CLIP[match[2]]}"
            yield _named(names, layer, tensor)
        elif tensor == f"{prefix}text_projection":
            yield replace(_named(names, "text_projection", tensor, transposed=True), part="other")


def _named(
    prefixes: tuple[str, ...],
    layer: str,
    tensor: str,
    *,
    third: int | None = None,
    transposed: bool = False,
) -> LayerPlace:
    first, *others = (f"{prefix}_{layer}" for prefix in prefixes)
    return LayerPlace(first, tuple(others), tensor, "text", third, transposed)
