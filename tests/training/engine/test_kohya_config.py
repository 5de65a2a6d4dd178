"""Settings of kohya's scripts come in with a report and go out readable."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from training.engine.config import TrainConfig
from training.engine.errors import ConfigError
from training.engine.kohya_config import from_kohya, read_kohya_file, to_kohya

FILE = """
[model_arguments]
pretrained_model_name_or_path = "base.safetensors"
v2 = false
[additional_network_arguments]
network_module = "networks.lora"
network_dim = 32
network_alpha = 16
network_args = ["conv_dim=8", "conv_alpha=4", "rank_dropout=0.1", "split_dims=1"]
unet_lr = 1e-4
text_encoder_lr = 5e-5
[optimizer_arguments]
optimizer_type = "AdamW8bit"
lr_scheduler = "constant_with_warmup"
lr_warmup_steps = 100
[training_arguments]
resolution = "512,768"
train_batch_size = 2
max_train_epochs = 12
min_snr_gamma = 5
noise_offset = 0.05
shuffle_caption = true
keep_tokens = 1
bucket_no_upscale = true
sample_prompts = "prompts.txt"
sample_sampler = "euler_a"
face_crop_aug_range = "2.0,4.0"
"""


def test_a_toml_file_of_kohya_becomes_a_config_with_a_report(tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a cat --n bad --w 512\n# note\n", encoding="utf-8")
    path = tmp_path / "kohya.toml"
    path.write_text(FILE, encoding="utf-8")
    found = read_kohya_file(path)
    config = TrainConfig.parse(found.settings)
    assert (config.method, config.output_name) == ("lora", "untitled")
    assert (config.network.dim, config.network.alpha) == (32, 16.0)
    assert (config.network.conv_dim, config.network.conv_alpha) == (8, 4.0)
    assert (config.learning_rate, config.text_encoder_learning_rate) == (1e-4, 5e-5)
    assert (config.optimizer, config.scheduler, config.warmup_steps) == (
        "adamw8bit",
        "constant",
        100,
    )
    assert (config.resolution, config.batch_size, config.epochs) == (512, 2, 12)
    assert config.captions.shuffle
    assert not config.buckets.upscale
    assert config.train_text_encoder
    assert config.sampling.sampler == "Euler a"
    assert config.sample_prompts[0] == "a cat --n bad --w 512"
    assert len(found.report) == 2
    assert "face_crop_aug_range" in found.report[0]
    assert config.network.rank_dropout == 0.1
    assert "split_dims" in found.report[1]


def test_json_is_read_too_and_anything_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"network_dim": 8, "network_train_unet_only": True}), "utf-8")
    settings = read_kohya_file(path).settings
    assert settings["network"] == {"dim": 8}
    assert settings["train_text_encoder"] is False
    path.write_text("= no", "utf-8")
    with pytest.raises(ConfigError, match="neither TOML nor JSON"):
        read_kohya_file(path)


def test_what_goes_out_to_kohya_comes_back_the_same() -> None:
    config = TrainConfig.parse(
        {
            "output_name": "mine",
            "learning_rate": 2e-4,
            "train_text_encoder": True,
            "text_encoder_learning_rate": 1e-5,
            "epochs": 7,
            "optimizer": "lion",
            "snr_gamma": 5,
            "mixed_precision": "bf16",
            "network": {"dim": 8, "alpha": 4.0, "conv_dim": 4, "conv_alpha": 1.0},
            "captions": {"shuffle": True, "keep_tokens": 2},
            "buckets": {"upscale": False},
        }
    ).resolved()
    found = from_kohya(tomllib.loads(to_kohya(config)))
    assert found.report == ()
    again = TrainConfig.parse(found.settings).resolved()
    different = {
        name for name, value in config.model_dump().items() if value != again.model_dump()[name]
    }
    assert different <= {"sampling", "gradient_checkpointing"}


def test_the_program_turns_kohyas_settings_into_ours_and_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.engine.cli import main

    path = tmp_path / "kohya.toml"
    path.write_text(FILE, encoding="utf-8")
    assert main(["import-kohya", str(path)]) == 0
    printed = capsys.readouterr()
    assert "face_crop_aug_range" in printed.err
    ours = tmp_path / "config.toml"
    ours.write_text(printed.out, encoding="utf-8")
    assert main(["export-kohya", str(ours)]) == 0
    assert tomllib.loads(capsys.readouterr().out)["network_dim"] == 32
    assert main(["import-kohya", str(tmp_path / "absent")]) == 2
