"""What interfaces to kohya's scripts save is read as they hand it on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.engine.config.train import TrainConfig
from training.engine.kohya.data_sets import read_data_sets
from training.engine.kohya.files import read_kohya_file

PAGE = {
    "LoRA_type": "Kohya LoCon", "LyCORIS_preset": "full", "additional_parameters": "--d=7 --v2",
    "bucket_reso_steps": 1, "caption_dropout_rate": 0.05, "clip_skip": 2, "conv_alpha": 8,
    "conv_dim": 16, "dynamo_backend": "no", "enable_bucket": True, "epoch": 8, "factor": -1,
    "flux1_checkbox": False, "gradient_accumulation_steps": "1", "keep_tokens": "0",
    "learning_rate": 0.0005, "lr_scheduler": "adafactor", "lr_warmup": 10, "max_grad_norm": 1,
    "max_resolution": "768,768", "max_train_epochs": 0, "max_train_steps": "200",
    "min_bucket_reso": 256, "multires_noise_iterations": 8, "network_alpha": 8, "network_dim": 900,
    "noise_offset": 0.05, "noise_offset_type": "Original", "num_processes": 1,
    "optimizer": "AdamW8bit", "optimizer_args": "weight_decay=0.1 betas=0.8,0.95 decouple=True",
    "random_crop": False, "rank_dropout": 0.1, "sample_prompts": "a cat --s 8\na dog",
    "sdxl": True, "seed": "", "text_encoder_lr": 0, "train_on_input": True, "unet_lr": 0.0001,
}  # fmt: skip


def test_what_a_page_for_kohyas_scripts_saves_is_read_as_it_hands_it_on(tmp_path: Path) -> None:
    path = tmp_path / "page.json"
    path.write_text(json.dumps(PAGE), "utf-8")
    found = read_kohya_file(path)
    config = TrainConfig.parse(found.settings)
    assert (config.method, config.base_model.architecture) == ("lora", "sdxl")
    assert (config.resolution, config.max_steps, config.epochs) == (768, 200, None)
    assert (config.buckets.min_side, config.buckets.max_side) == (256, 1024)
    assert (config.warmup_steps, config.scheduler) == (20, "constant")
    assert (config.learning_rate, config.train_text_encoder) == (1e-4, False)
    assert (config.noise_offset, config.multires_noise_iterations) == (0.05, 0)
    assert (config.network.conv_dim, config.network.rank_dropout) == (16, 0.1)
    assert (config.optimizer, config.weight_decay, config.beta1) == ("adamw8bit", 0.1, 0.8)
    assert config.sample_prompts == ["a cat --s 8", "a dog"]
    reported = [sentence.split(" ")[0] for sentence in found.report]
    assert reported == ["lr_scheduler", "d", "network_dim", "bucket_reso_steps"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"LoRA_type": "LyCORIS/LoKr", "factor": 6}, {"algorithm": "lokr", "lokr_factor": 6}),
        ({"LoRA_type": "Kohya LoHa"}, {"algorithm": "loha", "conv_dim": 0}),
        ({"LoRA_type": "LyCORIS/LoHa", "network_dim": 8}, {"algorithm": "loha", "conv_dim": 8}),
        ({"LoRA_type": "Standard", "conv_dim": 4}, {"algorithm": "lora", "conv_dim": 0}),
        ({"LoRA_type": "LyCORIS/LoCon", "dora_wd": True}, {"decompose": True}),
    ],
)
def test_a_pages_kinds_of_networks_are_those_of_the_scripts(
    given: dict[str, object], expected: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "page.json"
    path.write_text(json.dumps({"max_resolution": "512,512", **given}), "utf-8")
    network = TrainConfig.parse(read_kohya_file(path).settings).network
    assert {name: getattr(network, name) for name in expected} == expected


def test_settings_in_tables_within_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "easy.toml"
    path.write_text(
        """
[[subsets]]
num_repeats = 10
keep_tokens = 1
image_dir = "10_cat"
name = "subset 1"
[noise_args]
[train_mode]
train_mode = "lora"
[general_args.args]
max_train_steps = 100
[general_args.dataset_args]
resolution = [768, 768]
batch_size = 2
[network_args.args]
network_dim = 8
[network_args.args.network_args]
algo = "loha"
conv_dim = 4
[optimizer_args.args]
lr_scheduler = "cosine"
warmup_ratio = 0.05
[optimizer_args.args.optimizer_args]
betas = "0.8,0.99"
""",
        encoding="utf-8",
    )
    found = read_kohya_file(path)
    config = TrainConfig.parse(found.settings)
    assert (config.network.algorithm, config.network.dim, config.network.conv_dim) == ("loha", 8, 4)
    assert (config.resolution, config.batch_size, config.warmup_steps) == (768, 2, 5)
    assert (config.beta1, config.captions.keep_tokens) == (0.8, 1)
    assert config.dataset_manifest == "10_cat"
    assert found.report == ()


def test_several_folders_of_a_data_set_become_the_one_that_they_lie_in() -> None:
    subsets = [
        {"image_dir": "/data/img/10_cat", "num_repeats": 10, "keep_tokens": 1},
        {"image_dir": "/data/img/5_dog", "num_repeats": 5, "keep_tokens": 2},
        {"image_dir": "/data/reg/1_pet", "is_reg": True, "keep_tokens": 1},
    ]
    known, report = read_data_sets({"datasets": [{"resolution": 768, "subsets": subsets}]})
    assert (known["train_data_dir"], known["reg_data_dir"]) == ("/data/img", "/data/reg/1_pet")
    assert (known["resolution"], known["keep_tokens"]) == (768, 1)
    assert [sentence.split(" ")[0] for sentence in report] == ["keep_tokens", "All"]
    apart = [{"image_dir": "/a/x"}, {"image_dir": "/b/y"}]
    known, report = read_data_sets({"datasets": [{"subsets": apart}]})
    assert known["train_data_dir"] == "/a/x"
    assert report == ["The folder /b/y of dataset_config was left out."]
