"""LoRA files of any tool as layers in kohya's names, each tensor read when it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.engine.adapter_change import OF_WEIGHT, split_name
from training.engine.errors import ConfigError
from training.engine.files.adapter_names import (
    MAGNITUDE,
    PEFT,
    AdapterName,
    is_kohyas,
    is_of_xl,
    parse_name,
)
from training.engine.files.lazy_tensors import LazyTensor, LazyTensors, TensorFile, open_tensors

SETTINGS_KEY = "lora_adapter_metadata"  # of diffusers, in the header: by component
PEFT_SETTINGS = "adapter_config.json"  # of peft, beside its files
KOHYAS_OFT = "oft_unet_"  # how kohya's OFT begins the names of layers
BUNDLED = "bundle_emb"  # embeddings that some files bring along, which no layer takes
RANK_FIRST = ("lora_down.weight", "hada_w1_b", "lokr_w2_b")  # parts whose first side is the rank
MARKS = (
    *("lora_down.weight", "hada_w1_a", "lokr_w1", "lokr_w1_a", "diff", "w_norm"),
    *OF_WEIGHT,
)


@dataclass(frozen=True)
class AdapterFile:
    """An opened file: the tensors of each layer by their parts, and the header's metadata."""

    path: Path
    layers: Mapping[str, LazyTensors]
    metadata: Mapping[str, str]

    def parts(self, layer: str) -> dict[str, torch.Tensor]:
        """Read the tensors of one layer."""
        return {name: tensor.read() for name, tensor in self.layers[layer].items()}


def is_adapter_part(name: str) -> bool:
    """Tell whether a tensor's name is one of those that mark a layer of an adapter file."""
    foreign = parse_name(name)
    return (split_name(name)[1] if foreign is None else foreign.part) in MARKS


def open_adapter(path: Path) -> AdapterFile:
    """Open a LoRA in the form of kohya, LyCORIS, peft, diffusers or ComfyUI.

    Alphas are those of the file, of diffusers' settings in its header, or of peft's beside it;
    where there are none, a layer acts as its matrices say. Raises BaseModelError for a file that
    cannot be read, ConfigError for one with tensors or settings that are not understood.
    """
    file = open_tensors(path)
    parsed = {name: found for name in file.tensors if (found := parse_name(name)) is not None}
    tensors = _in_kohyas_names(path, file, parsed) if parsed else file.tensors
    layers: dict[str, LazyTensors] = {}
    for name, tensor in tensors.items():
        layer, part = split_name(name)
        if layer.startswith(KOHYAS_OFT):
            layer = f"lora_{layer.removeprefix('oft_')}"
        layers.setdefault(layer, {})[part] = tensor
    layers.pop(BUNDLED, None)
    return AdapterFile(path, layers, file.metadata)


def _in_kohyas_names(
    path: Path, file: TensorFile, parsed: Mapping[str, AdapterName]
) -> LazyTensors:
    """Return the tensors of a file of another tool, with the alphas that its settings give."""
    others = [name for name in file.tensors if name not in parsed and not is_kohyas(name)]
    if others:
        raise ConfigError(
            f"{path.name} holds more than a LoRA, or one of a form that is not known here: "
            f"{others[0]} ({len(others)} such tensors). Choose a LoRA file."
        )
    xl = is_of_xl((found, file.tensors[name].shape) for name, found in parsed.items())
    settings = _settings(path, file)
    tensors = {name: tensor for name, tensor in file.tensors.items() if name not in parsed}
    for name, found in parsed.items():
        tensor, layer = file.tensors[name], found.layer(xl=xl)
        if f".{MAGNITUDE}" in name:  # one for each output, and for convolutions (1, outputs, 1, 1)
            tensor = tensor.reshaped(torch.Size(tensor.shape).numel())
        tensors[f"{layer}.{found.part}"] = tensor
        alpha = _alpha(settings, found, tensor) if found.part in RANK_FIRST else None
        if alpha is not None:
            tensors.setdefault(f"{layer}.alpha", LazyTensor.of(torch.tensor(alpha)))
    return tensors


def _settings(path: Path, file: TensorFile) -> dict[str, Any]:
    """Return the settings of the network in the words of peft, empty where none are known."""
    beside = path.with_name(PEFT_SETTINGS)
    text = file.metadata.get(SETTINGS_KEY, "")
    try:
        if not text and beside.is_file() and any(name.startswith(PEFT) for name in file.tensors):
            text = beside.read_text("utf-8")
        return dict(json.loads(text or "{}"))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"The settings of {path.name} cannot be read: {error}") from error


def _alpha(settings: Mapping[str, Any], name: AdapterName, side: LazyTensor) -> float | None:
    """Return the alpha of a layer by settings, which have the component before each name or none.

    With `use_rslora` the strength is alpha through the root of the rank, and not through the rank.
    """

    def said(*words: str) -> Any:
        every = (f"{start}{word}" for start in (f"{name.component}.", "") for word in words)
        return next((settings[word] for word in every if word in settings), None)

    value = said("lora_alpha", "alpha")
    for pattern, own in (said("alpha_pattern") or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", name.path):
            value = own
            break
    if value is None:
        return None
    return float(value) * (side.shape[0] ** 0.5 if said("use_rslora") else 1.0)
