"""Reading embeddings of any tool, and telling the two kinds of .pt files apart, without code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from training.engine.errors import BaseModelError, ConfigError
from training.engine.files.lazy_tensors import open_tensors
from training.engine.files.picture_embeddings import is_picture, read_picture_embedding

EMBEDDING_NAMES = ("emb_params", "emp_params")  # A1111's, and OneTrainer's


def read_plain_pt(path: Path) -> dict[Any, Any]:
    """Read a .pt file of tensors and plain data. Raises ConfigError where it cannot be read.

    Nothing in the file is run: what is neither is not built, and what could do harm is refused.
    """
    try:
        try:
            data = torch.load(path, weights_only=True, map_location="cpu")
        except pickle.UnpicklingError:  # the first embeddings, in a class of their own
            from training.engine.files.foreign_pickles import open_foreign

            data = open_foreign(path).with_tensors()
    except Exception as error:
        raise ConfigError(f"{path.name} cannot be read without running code: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path.name} is neither an embedding nor a hypernetwork.")
    return data


def is_embedding(data: dict[Any, Any]) -> bool:
    """Tell A1111's embedding from its hypernetwork, which has widths as keys."""
    return "string_to_param" in data or not any(isinstance(key, int) for key in data)


def read_embedding(path: Path) -> dict[str, torch.Tensor]:
    """Return the vectors of an embedding (n, width), by the names that safetensors files have.

    Known are emb_params, OneTrainer's emp_params, clip_l with clip_g, a single tensor of any name
    (diffusers' learned_embeds, .safetensors or .bin), and A1111's .pt and pictures. Raises
    ConfigError for anything else.
    """
    if path.suffix == ".pt":
        data = read_plain_pt(path)
        found = {"emb_params": _only_tensor(data.get("string_to_param", data), path)}
    elif is_picture(path):
        data = read_picture_embedding(path)
        params = data.get("string_to_param", data)
        found = {name: t for name, t in dict(params).items() if isinstance(t, torch.Tensor)}
    else:
        try:
            found = {name: tensor.read() for name, tensor in open_tensors(path).tensors.items()}
        except BaseModelError as error:
            raise ConfigError(str(error)) from error
    if any(name.endswith("_out") for name in found):
        raise ConfigError(
            f"{path.name} holds vectors for what comes out of a text encoder, which are not used "
            "here. Train the word without output embedding."
        )
    if "clip_g" in found and "clip_l" in found:
        return {key: found[key].float() for key in ("clip_l", "clip_g")}
    named = next((name for name in EMBEDDING_NAMES if name in found), "")
    vectors = found[named] if named else _only_tensor(found, path)
    return {"emb_params": vectors.float().reshape(-1, vectors.shape[-1])}


def _only_tensor(data: Any, path: Path) -> torch.Tensor:
    tensors = [value for value in dict(data).values() if isinstance(value, torch.Tensor)]
    if len(tensors) != 1:
        raise ConfigError(f"{path.name} is no embedding: it holds {len(tensors)} tensors.")
    return tensors[0]
