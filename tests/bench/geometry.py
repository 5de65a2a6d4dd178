"""Base models with random weights of the right shape: speed does not depend on what they know."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.base_models.registry import find_architecture

TOKENIZER = find_architecture("sd15").config_dir / "tokenizer"


@dataclass(frozen=True)
class Geometry:
    """The sizes of a base model with SD 1.5's plan of blocks, and what a step is shown."""

    name: str
    unet_channels: tuple[int, ...]
    vae_channels: tuple[int, ...]
    text_width: int
    text_heads: int
    as_file: bool  # peers that read a single file get one

    @property
    def time_width(self) -> int:
        """Return the width of the time embedding."""
        return self.unet_channels[0] * 4


SD15 = Geometry("sd15", (320, 640, 1280, 1280), (128, 256, 512, 512), 768, 12, as_file=True)
MICRO = Geometry("micro", (64, 128, 192, 192), (32, 64, 128, 128), 256, 4, as_file=False)
GEOMETRIES = {geometry.name: geometry for geometry in (SD15, MICRO)}


@dataclass(frozen=True)
class Base:
    """Where a base model lies: a folder in diffusers layout, and a single file where asked for."""

    geometry: Geometry
    folder: Path
    file: Path | None

    @property
    def for_kohya(self) -> Path:
        """Return what kohya's scripts are given: the file, or the folder of small models."""
        return self.file or self.folder


def make_base(geometry: Geometry, home: Path) -> Base:
    """Write a base model, unless an earlier run of the bench has."""
    folder, file = home / geometry.name, home / f"{geometry.name}.safetensors"
    if not (folder / "model_index.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _write_folder(geometry, folder)
    if geometry.as_file and not file.exists():
        from training.engine.tools.convert import ConvertOptions, convert_to_file

        convert_to_file(folder, file, ConvertOptions())
    return Base(geometry, folder, file if geometry.as_file else None)


def _write_folder(geometry: Geometry, folder: Path) -> None:
    import torch
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    configs = find_architecture("sd15").config_dir
    unet = _config(configs / "unet" / "config.json")
    unet |= {"block_out_channels": geometry.unet_channels}
    UNet2DConditionModel(**unet | {"cross_attention_dim": geometry.text_width}).save_pretrained(
        folder / "unet"
    )
    vae = _config(configs / "vae" / "config.json")
    AutoencoderKL(**vae | {"block_out_channels": geometry.vae_channels}).save_pretrained(
        folder / "vae"
    )
    text = _config(configs / "text_encoder" / "config.json")
    text |= {"hidden_size": geometry.text_width, "num_attention_heads": geometry.text_heads}
    text |= {"intermediate_size": 4 * geometry.text_width, "projection_dim": geometry.text_width}
    CLIPTextModel(CLIPTextConfig(**text)).save_pretrained(folder / "text_encoder")
    DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
        steps_offset=1,
    ).save_pretrained(folder / "scheduler")  # fmt: skip
    shutil.copytree(TOKENIZER, folder / "tokenizer")
    index = _config(configs / "model_index.json")
    index |= {"_class_name": "StableDiffusionPipeline", "scheduler": ["diffusers", "DDPMScheduler"]}
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")


def _config(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {key: value for key, value in data.items() if not key.startswith("_")}
