"""Reading the parts of a base model: a module without memory, and tensors mapped from its file.

No pipeline is built and nothing is copied that is in float32 already: a part that is not used is
not read, and the page cache holds the only copy. Nothing in a pickle is run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from training.engine.errors import BaseModelError
from training.engine.files.lazy_tensors import LazyTensors, open_tensors
from training.engine.parts.autoencoder import AutoencoderKL
from training.engine.parts.plan import read_config
from training.engine.parts.text_model import CLIPTextModel, CLIPTextModelWithProjection
from training.engine.parts.tokenizer import read_tokenizer
from training.engine.parts.unet import UNet2DConditionModel
from training.engine.parts.weights import newer_name, weight_files

TEXT_ENCODERS: Final[dict[str, type[CLIPTextModel | CLIPTextModelWithProjection]]] = {
    "text_encoder": CLIPTextModel,
    "text_encoder_2": CLIPTextModelWithProjection,
}
Part = TypeVar("Part", bound=nn.Module)


def read_folder(path: Path) -> dict[str, Any]:
    """Return the parts of a folder in diffusers layout, in float32.

    Raises BaseModelError, OSError, ValueError, KeyError.
    """
    return {
        "unet": _from_folder(UNet2DConditionModel, path / "unet"),
        "vae": read_vae(path / "vae"),
        "text_encoders": [
            _from_folder(TEXT_ENCODERS[name], path / name) for name in text_encoder_names(path)
        ],
        "tokenizers": read_tokenizers(path),
        "scheduler": read_scheduler(path),
    }


def text_encoder_names(path: Path) -> list[str]:
    """Return the folders of the text encoders: the first, and the second where there is one."""
    return [name for name in TEXT_ENCODERS if name == "text_encoder" or (path / name).is_dir()]


def read_tokenizers(path: Path) -> list[Any]:
    """Return the tokenizer of each text encoder."""
    names = [name.replace("text_encoder", "tokenizer") for name in text_encoder_names(path)]
    return [read_tokenizer(path / name) for name in names]


def read_scheduler(path: Path) -> dict[str, Any]:
    """Return the config of the noise schedule."""
    file = path / "scheduler" / "scheduler_config.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def read_vae(folder: Path) -> AutoencoderKL:
    """Return a VAE from a folder of diffusers. Raises BaseModelError, OSError, ValueError."""
    return _from_folder(AutoencoderKL, folder)


def _from_folder(kind: type[Part], folder: Path) -> Part:
    module = empty(kind, read_config(folder))
    tensors: LazyTensors = {}
    for file in weight_files(folder):
        tensors |= {newer_name(name): t for name, t in open_tensors(file).tensors.items()}
    return filled(module, as_named_today(tensors, module), folder.parent.name, folder.name)


def empty(kind: type[Part], config: Mapping[str, Any]) -> Part:
    """Return a part whose weights have shapes alone. Raises BaseModelError for another kind."""
    with torch.device("meta"), _NothingDrawn():
        return kind(config)


class _NothingDrawn(TorchFunctionMode):
    """Leaves out the first values of new layers: on tensors without memory they take long."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        if getattr(function, "__module__", "") == "torch.nn.init":
            return args[0] if args else named["tensor"]
        return function(*args, **named)


def as_named_today(tensors: LazyTensors, module: nn.Module) -> LazyTensors:
    """Return tensors under the names of transformers today, which left a wrapper away."""
    if any(name.startswith("text_model.") for name in module.state_dict()):
        return tensors
    return {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}


def filled(module: Part, tensors: LazyTensors, source: str, part: str) -> Part:
    """Return a part with the tensors of a file in place. Raises BaseModelError.

    A tensor too few or of another shape says that the file is no such part; those that it has no
    place for are left, as the libraries do.
    """
    wanted = module.state_dict()
    state = {name: tensor.read().float() for name, tensor in tensors.items() if name in wanted}
    try:
        module.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise BaseModelError(
            f"{source} has another {part} than its family: {str(error)[:500]}"
        ) from error
    return module
