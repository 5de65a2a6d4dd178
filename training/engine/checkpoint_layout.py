"""From the parts of a model to one checkpoint in the original (ldm, sgm) layout.

Every name is computed from the configs, so that any number of levels, layers and channels fits.
https://github.com/CompVis/stable-diffusion and https://github.com/Stability-AI/generative-models
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from training.engine.architectures import VELOCITY_MARK, ZERO_TERMINAL_MARK
from training.engine.components import Components
from training.engine.files.checkpoint_names import OPEN_CLIP_NAMES, SD2_TEXT
from training.engine.files.unet_names import ldm_module_path
from training.engine.files.vae_names import ldm_name
from training.engine.text import inner_text_model

_QKV = re.compile(r"^encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$")
OPEN_CLIP_LAYERS = 24  # of SD 2's text model
_SD2_LAYER = re.compile(rf"^{re.escape(SD2_TEXT)}transformer\.resblocks\.(\d+)\.")
Tensors = dict[str, torch.Tensor]
AVERAGE = "model_ema."
PARTS = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.", "conditioner.")


def checkpoint_tensors(
    components: Components, dtype: torch.dtype, base: Path, *, pruned: bool = False
) -> Tensors:
    """Return all tensors of a checkpoint, on the CPU and contiguous.

    Where the base was one safetensors file, tensors that our parts do not hold (a last layer that
    SD 2 leaves out, scheduler tables) are kept from it; `pruned` leaves out those that belong to
    no part. The base's own average is never kept: it is not of these weights.
    """
    ours = unet_tensors(components.unet) | vae_tensors(components.vae) | _text(components)
    ours |= _marks(components)
    rest: Tensors = {}
    if base.is_file() and base.suffix == ".safetensors":
        rest = _rest_of_base(base, ours, pruned=pruned)
    if components.architecture.name == "sd2":
        rest = _unread_by_sd2(ours) | rest
    ours = rest | ours
    return {name: _stored(tensor, dtype) for name, tensor in ours.items()}


def unet_tensors(unet: Any) -> Tensors:
    """Return the UNet's tensors under `model.diffusion_model.`."""
    found = {}
    for name, tensor in unet.state_dict().items():
        path, _, kind = name.rpartition(".")
        found[f"model.diffusion_model.{ldm_module_path(path, unet.config)}.{kind}"] = tensor
    return found


def vae_tensors(vae: Any) -> Tensors:
    """Return the VAE's tensors under `first_stage_model.`, attention as 1x1 convolutions."""
    levels = len(vae.config.block_out_channels)
    found = {}
    for name, tensor in vae.state_dict().items():
        renamed = ldm_name(name, levels)
        as_convolution = "attn_1." in renamed and tensor.ndim == 2
        found[f"first_stage_model.{renamed}"] = (
            tensor[:, :, None, None] if as_convolution else tensor
        )
    return found


def _marks(components: Components) -> Tensors:
    """Return the marks of a UNet that predicts velocity; of the noise there is none."""
    if components.prediction_type != "v_prediction":
        return {}
    marks = (VELOCITY_MARK, *([ZERO_TERMINAL_MARK] if components.zero_terminal_snr else []))
    return {mark: torch.empty(0) for mark in marks}


def _text(components: Components) -> Tensors:
    encoders = components.text_encoders
    family = components.architecture.name
    if family == "sdxl":
        second = inner_text_model(encoders[1]).state_dict()
        projection = encoders[1].text_projection.weight
        return (
            _clip(encoders[0], "conditioner.embedders.0.transformer.text_model.")
            | _open_clip(second, "conditioner.embedders.1.model.")
            | {"conditioner.embedders.1.model.text_projection": projection.T}
        )
    if family == "sd2":
        return _open_clip(inner_text_model(encoders[0]).state_dict(), SD2_TEXT)
    return _clip(encoders[0], "cond_stage_model.transformer.text_model.")


def _unread_by_sd2(ours: Tensors) -> Tensors:
    """Return the last layer and the projection of SD 2's text model, which no picture depends on.

    A folder in diffusers layout has neither, since SD 2 reads the layer before the last; the
    original programs ask for both. The layer is a copy of the one before, as kohya's scripts do it.
    """
    found = {f"{SD2_TEXT}text_projection": torch.eye(ours[f"{SD2_TEXT}ln_final.weight"].shape[0])}
    number = max(int(match[1]) for name in ours if (match := _SD2_LAYER.match(name)))
    if number + 1 < OPEN_CLIP_LAYERS:
        last, spare = (f"{SD2_TEXT}transformer.resblocks.{n}." for n in (number, number + 1))
        found |= {n.replace(last, spare): t.clone() for n, t in ours.items() if n.startswith(last)}
    return found


def _clip(encoder: torch.nn.Module, prefix: str) -> Tensors:
    """Return a CLIP text model's tensors; the names always have `text_model`."""
    return {prefix + name: t for name, t in inner_text_model(encoder).state_dict().items()}


def _open_clip(state: Tensors, prefix: str) -> Tensors:
    """Return a text model in OpenCLIP's names, with q, k and v in one matrix."""
    found: Tensors = {}
    for name, tensor in state.items():
        match = _QKV.match(name)
        if match is None:
            found[prefix + open_clip_name(name)] = tensor
        elif match.group(2) == "q":
            layer, kind = match.group(1), match.group(3)
            parts = [state[name.replace("q_proj", f"{letter}_proj")] for letter in "qkv"]
            key = f"{prefix}transformer.resblocks.{layer}.attn.in_proj_{kind}"
            found[key] = torch.cat(parts)
    return found


def open_clip_name(name: str) -> str:
    """Return OpenCLIP's name of a tensor of a CLIP text model (q, k and v have none)."""
    for ours, theirs in OPEN_CLIP_NAMES:
        name = name.replace(ours, theirs)
    return name


def _rest_of_base(base: Path, ours: Tensors, *, pruned: bool) -> Tensors:
    with safe_open(base, framework="pt") as file:
        gone = (AVERAGE, VELOCITY_MARK, ZERO_TERMINAL_MARK)  # not of these weights
        names = [n for n in file.keys() if n not in ours and not n.startswith(gone)]  # noqa: SIM118
        kept = [n for n in names if n.startswith(PARTS)] if pruned else names
        return {name: file.get_tensor(name) for name in kept}


def average_tensors(
    components: Components, average: Tensors, *, decay: float, step: int
) -> Tensors:
    """Return an average of the UNet, given by the names of its parameters, as checkpoints hold it.

    `model_ema.` with the dots of the weight's own name left out, in float32.
    https://github.com/CompVis/stable-diffusion/blob/main/ldm/modules/ema.py
    """
    found = {
        f"{AVERAGE}decay": torch.tensor(decay),
        f"{AVERAGE}num_updates": torch.tensor(step, dtype=torch.int),
    }
    for name, tensor in average.items():
        path, _, kind = name.rpartition(".")
        original = f"diffusion_model.{ldm_module_path(path, components.unet.config)}.{kind}"
        found[AVERAGE + original.replace(".", "")] = _stored(tensor, torch.float32)
    return found


def _stored(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    kept = tensor.detach().cpu()
    return (kept.to(dtype) if kept.is_floating_point() else kept).contiguous()
