"""What the one file of a base model tells of itself: its family, and what its UNet predicts.

Only headers and one small tensor are read, and nothing in a pickle is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.engine.architectures import VELOCITY_MARK, ZERO_TERMINAL_MARK, detect_family
from training.engine.files.checkpoint_names import UNET, architecture_of
from training.engine.files.lazy_tensors import LazyTensor, TensorFile, open_tensors

# The last norm of SD 2's UNet is spread over 0.09 in the models that predict velocity, and below
# it in those that predict the noise: ComfyUI tells them apart by the same figure.
_LAST_NORM = f"{UNET}output_blocks.11.1.transformer_blocks.0.norm1.bias"
_VELOCITY_SPREAD = 0.09


@dataclass(frozen=True)
class BaseFile:
    """What a file says; `velocity` is None where it says nothing of its prediction."""

    family: str
    velocity: bool | None = None
    zero_terminal_snr: bool = False


def family_at(path: Path) -> str:
    """Return the family of a base model, a file or a folder. Raises BaseModelError."""
    return look_into(path).family if path.is_file() else detect_family(path)


def look_into(path: Path) -> BaseFile:
    """Return what a checkpoint file tells. Raises BaseModelError where it is none."""
    if path.suffix == ".safetensors":
        family = detect_family(path)  # names a file that is no checkpoint in words of its own
        opened = open_tensors(path)
    else:
        opened = open_tensors(path)
        family = architecture_of(opened.tensors)
    return BaseFile(family, _velocity(opened, family), ZERO_TERMINAL_MARK in opened.tensors)


def _velocity(opened: TensorFile, family: str) -> bool | None:
    """The marks that newer tools write come first, then the header, then the weights of SD 2."""
    if VELOCITY_MARK in opened.tensors:
        return True
    said = opened.metadata.get("modelspec.prediction_type")
    if said:
        return said in ("v", "v_prediction")
    return _spread_of_sd2(opened.tensors) if family == "sd2" else None


def _spread_of_sd2(tensors: Mapping[str, LazyTensor]) -> bool | None:
    bias = tensors.get(_LAST_NORM)
    return None if bias is None else bool(bias.read().float().std() > _VELOCITY_SPREAD)
