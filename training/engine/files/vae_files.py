"""Reading a VAE from one file: in ldm's names or diffusers', with a prefix or none, any format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from training.engine.errors import BaseModelError
from training.engine.files.lazy_tensors import LazyTensors, open_tensors
from training.engine.files.vae_names import diffusers_name

PREFIX = "first_stage_model."
LDM_MARK = "encoder.down.0.block.0.norm1.weight"
LEFTOVERS = ("loss.", "model_ema.")


def vae_from_file(path: Path, like: Any) -> Any:
    """Return a VAE of the structure of another one, with the weights of a file, in float32.

    A checkpoint's own VAE is taken where it has one. Raises BaseModelError where the file holds no
    VAE, or one of another structure.
    """
    state = {n: t.read().float() for n, t in _named(open_tensors(path).tensors, like).items()}
    vae = type(like)(like.config)
    shapes = {name: tensor.shape for name, tensor in vae.state_dict().items()}
    fitting = {n: _without_ones(t, shapes[n]) for n, t in state.items() if n in shapes}
    try:
        vae.load_state_dict(fitting)
    except RuntimeError as error:
        raise BaseModelError(
            f"The VAE {path.name} does not fit the base model: its parts are others. Choose a VAE "
            "that was made for this family of models."
        ) from error
    return vae.eval()


def _named(tensors: LazyTensors, like: Any) -> LazyTensors:
    """Return the tensors of a VAE under diffusers' names."""
    prefixed = {n: t for n, t in tensors.items() if n.startswith(PREFIX)}
    bare = {n.removeprefix(PREFIX): t for n, t in (prefixed or tensors).items()}
    bare = {n: t for n, t in bare.items() if not n.startswith(LEFTOVERS)}
    if LDM_MARK not in bare:
        return bare
    levels = len(like.config.block_out_channels)
    return {diffusers_name(name, levels): tensor for name, tensor in bare.items()}


def _without_ones(tensor: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Return a tensor without sides of 1 at its end, where that gives the shape that is wanted.

    Attention is made of 1x1 convolutions in ldm, and of linear layers in diffusers.
    """
    end = tensor.shape[len(shape) :]
    fits = tensor.shape[: len(shape)] == shape and all(side == 1 for side in end)
    return tensor.reshape(shape) if fits else tensor
