"""The table of base models that the engine trains. Torch-free; a new family is a new row."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.engine.errors import BaseModelError

MAX_HEADER_BYTES = 100_000_000
# Empty tensors of a checkpoint by which ComfyUI, Forge and we know what its UNet predicts.
VELOCITY_MARK, ZERO_TERMINAL_MARK = "v_pred", "ztsnr"


@dataclass(frozen=True)
class Architecture:
    """What the community's formats call a family of base models; sizes come from configs."""

    name: str
    text_prefixes: tuple[str, ...]  # of LoRA keys, one for each text encoder
    base_version: str  # ss_base_model_version
    modelspec: str  # modelspec.architecture of a checkpoint
    implementation: str  # modelspec.implementation of a LoRA
    v2: bool = False
    latents_are_means: bool = False  # trained on the mean of the VAE's distribution


ARCHITECTURES: dict[str, Architecture] = {
    row.name: row
    for row in (
        Architecture("sd1", ("lora_te",), "sd_v1", "stable-diffusion-v1", "diffusers"),
        Architecture("sd2", ("lora_te",), "sd_v2", "stable-diffusion-v2-512", "diffusers", v2=True),
        Architecture(
            "sdxl",
            ("lora_te1", "lora_te2"),
            "sdxl_base_v1-0",
            "stable-diffusion-xl-v1-base",
            "https://github.com/Stability-AI/generative-models",
        ),
        Architecture(
            "tiny",
            ("lora_te",),
            "atelier_tiny",
            "atelier-tiny",
            "diffusers",
            latents_are_means=True,
        ),
    )
}
BY_CONTEXT_WIDTH = {768: "sd1", 1024: "sd2", 2048: "sdxl"}


def family_of_width(cross_attention_dim: int) -> str:
    """Return the family whose cross-attention has this width; any other is a small model."""
    return BY_CONTEXT_WIDTH.get(cross_attention_dim, "tiny")


def detect_family(path: Path) -> str:
    """Tell the family of a base model from its configs or its header, without loading it.

    Raises BaseModelError where it is none that the engine knows.
    """
    if path.is_dir():
        try:
            config = json.loads((path / "unet" / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BaseModelError(
                f"The folder {path.name} has no readable unet/config.json, so it is not a "
                "diffusers model with a UNet."
            ) from error
        width = config["cross_attention_dim"]
        return family_of_width(width if isinstance(width, int) else width[0])
    if path.suffix == ".safetensors":
        return _family_of_keys(_header(path), path)
    return ""


def _family_of_keys(header: dict[str, Any], path: Path) -> str:
    if "conditioner.embedders.1.model.ln_final.weight" in header:
        return "sdxl"
    # the first level may be without attention, as in the bundled base
    ending = ".transformer_blocks.0.attn2.to_k.weight"
    keys = (k for k in header if k.startswith("model.diffusion_model.") and k.endswith(ending))
    key = next(keys, None)
    if key is None:
        raise BaseModelError(
            f"{path.name} is not a checkpoint with a Stable Diffusion UNet. "
            "Choose a full checkpoint of SD 1, SD 2 or SDXL."
        )
    return family_of_width(int(header[key]["shape"][1]))


def _header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MAX_HEADER_BYTES:
                raise BaseModelError(f"{path.name} has a header of {length} bytes, over the limit.")
            header = json.loads(file.read(length))
    except (OSError, ValueError, struct.error) as error:
        raise BaseModelError(f"{path.name} is not a readable safetensors file: {error}") from error
    return dict(header)
