"""Telling base models apart, and finding the configs that their files need."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from training.engine.architectures import detect_family
from training.engine.components import config_folder, predicts_velocity
from training.engine.config.train import TrainConfig
from training.engine.errors import BaseModelError
from training.engine.files.base_files import BaseFile, family_at, look_into
from training.engine.files.checkpoint_names import XL_TEXT

KEY = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"


def header_only(path: Path, keys: dict[str, list[int]]) -> Path:
    """Write a safetensors file whose header names tensors that are not there."""
    header = {
        name: {"dtype": "F16", "shape": s, "data_offsets": [0, 0]} for name, s in keys.items()
    }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


@pytest.mark.parametrize(
    ("keys", "family"),
    [
        ({KEY: [320, 768]}, "sd1"),
        ({KEY: [320, 1024]}, "sd2"),
        ({KEY: [32, 128]}, "tiny"),
        ({"conditioner.embedders.1.model.ln_final.weight": [1280]}, "sdxl"),
    ],
)
def test_the_family_of_a_file_is_read_from_its_header(
    keys: dict[str, list[int]], family: str, tmp_path: Path
) -> None:
    assert detect_family(header_only(tmp_path / "base.safetensors", keys)) == family


def test_a_file_that_is_no_checkpoint_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="not a checkpoint"):
        detect_family(header_only(tmp_path / "lora.safetensors", {"lora_unet_x.alpha": []}))
    (tmp_path / "cut.safetensors").write_bytes(b"\x10")
    with pytest.raises(BaseModelError, match="not a readable"):
        detect_family(tmp_path / "cut.safetensors")
    with pytest.raises(BaseModelError, match=r"unet/config\.json"):
        detect_family(tmp_path)


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl", "tiny"])
@pytest.mark.parametrize("velocity", [True, False])
def test_every_family_has_its_configs_at_hand_without_a_network(
    family: str, velocity: bool
) -> None:
    folder = config_folder(family, velocity=velocity)
    assert (folder / "model_index.json").is_file()
    assert detect_family(folder) == family
    scheduler = json.loads((folder / "scheduler/scheduler_config.json").read_text("utf-8"))
    predicts = scheduler.get("prediction_type", "epsilon") == "v_prediction"
    assert predicts == (family == "tiny" or (family == "sd2" and velocity))


def test_sd2_files_predict_velocity_at_768_unless_they_or_the_settings_say_otherwise() -> None:
    silent, noise = BaseFile("sd2"), BaseFile("sd2", velocity=False)
    assert predicts_velocity(TrainConfig.parse({"resolution": 768}), silent)
    assert not predicts_velocity(TrainConfig.parse({"resolution": 512}), silent)
    assert not predicts_velocity(TrainConfig.parse({"resolution": 768}), noise)
    assert not predicts_velocity(TrainConfig.parse({"resolution": 1024}), BaseFile("sdxl"))
    asked = {"resolution": 768, "base_model": {"prediction_type": "epsilon"}}
    assert not predicts_velocity(TrainConfig.parse(asked), BaseFile("sd2", velocity=True))


TEXT = {"sd2": "cond_stage_model.model.ln_final.weight", "sdxl": XL_TEXT[1] + "ln_final.weight"}
LAST_NORM = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"


def checkpoint(path: Path, family: str, *marks: str, spread: float = 0.0) -> Path:
    """Write the few tensors by which a checkpoint is told from others."""
    import torch
    from safetensors.torch import save_file

    width = {"sd2": 1024, "sdxl": 2048}[family]
    tensors = {KEY: torch.zeros(2, width), TEXT[family]: torch.zeros(2)}
    tensors |= {mark: torch.empty(0) for mark in marks}
    if spread:
        tensors[LAST_NORM] = torch.tensor([spread, -spread])
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save({"state_dict": tensors, "global_step": 1}, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_a_file_says_what_it_is_and_what_it_predicts(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"base{suffix}"
    assert look_into(checkpoint(path, "sdxl")) == BaseFile("sdxl")
    marked = BaseFile("sdxl", velocity=True, zero_terminal_snr=True)
    assert look_into(checkpoint(path, "sdxl", "v_pred", "ztsnr")) == marked
    assert look_into(checkpoint(path, "sd2", spread=0.2)) == BaseFile("sd2", velocity=True)
    assert look_into(checkpoint(path, "sd2", spread=0.02)) == BaseFile("sd2", velocity=False)
    assert family_at(path) == "sd2"
