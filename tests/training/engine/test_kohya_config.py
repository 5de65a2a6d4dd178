"""Settings of kohya's scripts come in with a report and go out readable."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.kohya.data_sets import read_data_sets
from training.engine.kohya.files import read_kohya_file
from training.engine.kohya.left_out import left_out_for_kohya
from training.engine.kohya.reading import from_kohya
from training.engine.kohya.writing import to_kohya

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
    assert (config.resolution, config.batch_size, config.epochs) == (624, 2, 12)
    assert config.captions.shuffle
    assert not config.buckets.upscale
    assert config.train_text_encoder
    assert config.sampling.sampler == "Euler a"
    assert config.sample_prompts[0] == "a cat --n bad --w 512"
    assert len(found.report) == 3
    assert "face_crop_aug_range" in found.report[0]
    assert "624 × 624" in found.report[1]
    assert config.network.rank_dropout == 0.1
    assert "split_dims" in found.report[2]


def test_samplers_that_are_not_here_are_told_and_files_are_kept_by_their_number() -> None:
    found = from_kohya({"sample_sampler": "heun", "save_n_epoch_ratio": 4, "max_train_epochs": 10,
                        "deepspeed": True, "zero_stage": 2})  # fmt: skip
    assert found.settings["save_every_epochs"] == 2
    assert [sentence.split(" ")[0] for sentence in found.report] == ["sample_sampler", "deepspeed"]
    few = from_kohya({"save_n_epoch_ratio": 40, "max_train_epochs": 10})
    assert few.settings["save_every_epochs"] == 1
    (told,) = from_kohya({"save_n_epoch_ratio": 4, "max_train_steps": 10}).report
    assert told.startswith("save_n_epoch_ratio = 4 counts epochs")


def test_a_word_for_the_negative_prompt_and_words_of_a_folder_are_understood() -> None:
    word = {"token_string": "bad", "metadata_is_negative_embedding": "true"}
    assert from_kohya(word).settings["textual_inversion"]["negative"] is True
    folders = [
        {"image_dir": "/img/10_sks cat", "num_repeats": 10, "class_tokens": "sks cat"},
        {"image_dir": "/img/dogs", "class_tokens": "sks dog"},
    ]
    _, report = read_data_sets({"datasets": [{"subsets": folders}]})
    assert report[0] == (
        "Pictures of /img/dogs without a caption are called 'sks dog' in kohya's file; name the "
        "folder 1_sks dog to call them so here."
    )


def test_json_is_read_too_and_anything_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"network_dim": 8, "network_train_unet_only": True}), "utf-8")
    settings = read_kohya_file(path).settings
    assert settings["network"] == {"dim": 8, "alpha": 1.0}  # kohya's default, not half the rank
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


def test_what_a_file_leaves_out_is_what_kohyas_scripts_would_do() -> None:
    config = TrainConfig.parse(from_kohya({"network_module": "networks.lora"}).settings)
    assert (config.network.dim, config.network.alpha) == (4, 1.0)
    assert (config.learning_rate, config.text_encoder_learning_rate) == (2e-6, 2e-6)
    assert (config.scheduler, config.batch_size, config.max_steps) == ("constant", 1, 1600)
    assert not config.buckets.enabled
    assert config.save_precision == "fp32"


def test_settings_that_belong_together_are_read_together() -> None:
    found = from_kohya(
        {
            "unet_lr": 3e-4,
            "learning_rate": 1e-4,
            "network_dim": 8,
            "v2": True,
            "v_parameterization": True,
            "max_train_epochs": 3,
            "max_train_steps": 99,
            "optimizer_args": ["weight_decay=0.1", "betas=0.8,0.95", "decouple=True"],
            "reg_data_dir": "reg",
            "text_encoder_lr": [1e-5, 2e-5],
        }
    )
    config = TrainConfig.parse(found.settings)
    assert config.learning_rate == 3e-4
    rates = (config.text_encoder_learning_rate, config.text_encoder_2_learning_rate)
    assert rates == (1e-5, 2e-5)
    assert tomllib.loads(to_kohya(config))["text_encoder_lr"] == [1e-5, 2e-5]
    assert "The second text encoder of a network has the rate of the first there." in (
        left_out_for_kohya(config)
    )
    assert config.base_model.architecture == "sd2"
    assert config.base_model.prediction_type == "v_prediction"
    assert (config.epochs, config.max_steps) == (3, None)
    assert (config.weight_decay, config.beta1, config.beta2) == (0.1, 0.8, 0.95)
    assert config.prior.enabled
    assert found.report == ()


def test_steps_given_as_shares_are_counted() -> None:
    data = {"max_train_steps": 200, "lr_warmup_steps": 0.1, "stop_text_encoder_training": 50}
    config = TrainConfig.parse(from_kohya(data).settings)
    assert (config.method, config.warmup_steps) == ("dreambooth", 20)
    assert config.text_encoder_stop_fraction == 0.25
    assert config.train_text_encoder
    stopped = from_kohya({"stop_text_encoder_training": -1}).settings
    assert not stopped["train_text_encoder"]
    unknown = from_kohya({"max_train_epochs": 2, "lr_warmup_steps": 0.1})
    assert "lr_warmup_steps" in unknown.report[0]
    tags = TrainConfig.parse(
        from_kohya({"max_train_steps": 200, "token_warmup_step": 0.1}).settings
    )
    assert tags.captions.tag_warmup_steps == 20
    (told,) = from_kohya({"max_train_epochs": 2, "token_warmup_step": 0.5}).report
    assert told.startswith("token_warmup_step = 0.5 is a share of steps")


def test_a_file_of_data_sets_gives_its_first_folders(tmp_path: Path) -> None:
    (tmp_path / "data.toml").write_text(
        """
[general]
shuffle_caption = true
[[datasets]]
resolution = 768
batch_size = 3
  [[datasets.subsets]]
  image_dir = "cats"
  num_repeats = 10
  keep_tokens = 1
  [[datasets.subsets]]
  image_dir = "class"
  is_reg = true
[[datasets]]
resolution = 512
""",
        encoding="utf-8",
    )
    path = tmp_path / "kohya.toml"
    path.write_text('network_dim = 4\ndataset_config = "data.toml"\n', encoding="utf-8")
    found = read_kohya_file(path)
    config = TrainConfig.parse(found.settings)
    assert (config.dataset_manifest, config.class_folder) == ("cats", "class")
    assert (config.resolution, config.batch_size) == (768, 3)
    assert config.captions.shuffle
    assert config.captions.keep_tokens == 1
    assert any("10_cats" in sentence for sentence in found.report)
    assert any("Data set 2" in sentence for sentence in found.report)


def test_kohyas_scripts_are_told_what_ours_see_by_themselves() -> None:
    config = TrainConfig.parse(
        {
            "method": "dreambooth",
            "base_model": {"architecture": "sd2", "prediction_type": "v_prediction"},
            "learning_rate": "1e-5:100, 1e-6",
            "resolution": 768,
            "optimizer": "adafactor",
            "colour_augmentation": True,
            "dataset_manifest": "pictures/img",
            "max_steps": 100,
        }
    )
    out = tomllib.loads(to_kohya(config))
    assert (out["v2"], out["v_parameterization"]) == (True, True)
    assert (out["learning_rate"], out["lr_scheduler"]) == (1e-5, "constant")
    assert "relative_step=False" in out["optimizer_args"]
    assert out["cache_latents"] is False
    assert out["train_data_dir"] == "pictures/img"
    assert out["stop_text_encoder_training"] == -1
    assert not any(name.startswith("network_") for name in out)
    assert from_kohya(out).report == ()


def test_kohyas_other_networks_and_bucket_sides_are_not_taken_for_ours() -> None:
    other = from_kohya({"network_module": "networks.oft", "optimizer_args": ["d_coef=2"]})
    assert [sentence.split(" ")[0] for sentence in other.report] == [
        "optimizer_args",
        "network_module",
    ]
    (sentence,) = from_kohya({"optimizer_type": "AdaFactor"}).report
    assert "finds its own learning rate" in sentence
    large = from_kohya({"resolution": 1024, "enable_bucket": True})
    assert large.settings["buckets"] == {"enabled": True, "min_side": 256, "max_side": 1024}
    assert tomllib.loads(to_kohya(TrainConfig(resolution=1024)))["max_bucket_reso"] == 2048


def test_what_kohyas_scripts_cannot_be_told_is_said() -> None:
    assert left_out_for_kohya(TrainConfig()) == []
    config = TrainConfig.parse(
        {
            "dataset_manifest": "set.json",
            "crop": "focal",
            "learning_rate": "1e-3:10, 1e-4",
            "train_text_encoder": True,
            "text_encoder_stop_fraction": 0.5,
            "captions": {"trigger_word": "sks"},
            "prior": {"enabled": True},
            "ema": {"enabled": True},
            "sampling": {"sampler": "LCM"},
            "adaptive_noise_scale": 0.5,
            "sample_prompts": ["a cat <lora:ink:1>"],
            "network": {"targets": ["attention"], "block_dims": {"down_blocks.1": 4}},
        }
    )
    said = " ".join(left_out_for_kohya(config))
    for word in ("train_data_dir", "'sks'", "middle", "first", "reg_data_dir", "EMA", "LCM"):
        assert word in said
    assert len(left_out_for_kohya(config)) == 12
    assert "adaptive_noise_scale" not in to_kohya(config)
    assert to_kohya(config)
    with pytest.raises(ConfigError, match="no hypernetworks"):
        to_kohya(TrainConfig(method="hypernetwork"))


# What `setup_parser()` of kohya's scripts takes, at the commit that it names.
ARGUMENTS = json.loads(Path(__file__).with_name("kohya_arguments.json").read_text(encoding="utf-8"))


EVERYTHING = {
    "base_model": {"path": "base.safetensors"},
    "dataset_manifest": "img",
    "class_folder": "reg",
    "initial_weights": "first.safetensors",
    "prior": {"enabled": True},
    "max_steps": 100,
    "train_text_encoder": True,
    "text_encoder_stop_fraction": 0.5,
    "noise_offset": 0.05,
    "snr_gamma": 5,
    "multires_noise_iterations": 6,
    "input_perturbation": 0.1,
    "loss": "huber",
    "scheduler": "cosine_with_restarts",
    "warmup_steps": 10,
    "clip_skip": 2,
    "captions": {"dropout": 0.1, "tag_dropout": 0.1, "dropout_every_epochs": 3, "wildcards": True,
                 "max_tokens": 225, "keep_separator": "|||", "emphasis": True,
                 "secondary_separator": ";;;", "prefix": "p", "suffix": "s",
                 "tag_warmup_steps": 50, "tag_warmup_min": 2},
    "validation": {"share": 0.1, "every_epochs": 1, "every_steps": 10},
    "about": {"comment": "c", "title": "t", "author": "a", "description": "d", "license": "l"},
    "save_every_steps": 10,
    "save_last_steps": 30,
    "save_last_epochs": 3,
    "velocity_like_loss": 0.2,
    "adaptive_noise_scale": 0.1,
    "sample_every_steps": 20,
}  # fmt: skip


@pytest.mark.parametrize(
    ("script", "method"),
    [
        ("train_network", "lora"),
        ("train_db", "dreambooth"),
        ("train_textual_inversion", "textual_inversion"),
    ],
)
@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_kohyas_own_script_knows_every_setting_that_goes_out(
    script: str, method: str, family: str
) -> None:
    base = {"path": "base.safetensors", "architecture": family}
    rates = {"text_encoder_learning_rate": 1e-5, "text_encoder_2_learning_rate": 2e-5}
    put_in = {"base_weights": ["a.safetensors"], "base_weights_multipliers": [0.5]}
    more = {**rates, **(put_in if method == "lora" else {})}
    more |= {"network": {"dim_from_weights": method == "lora"}}
    config = TrainConfig.parse({**EVERYTHING, "method": method, "base_model": base, **more})
    given = tomllib.loads(to_kohya(config))
    assert given["resolution"] == f"{config.resolution},{config.resolution}"  # split at the comma
    assert given["save_model_as"] == "safetensors"
    if family == "sdxl":
        script = {"train_db": "sdxl_train"}.get(script, f"sdxl_{script}")
    assert given.keys() <= {*ARGUMENTS["every"], *ARGUMENTS["scripts"][script]}
    limited = given.keys() & ARGUMENTS["choices"].keys()
    assert [n for n in limited if str(given[n]) not in ARGUMENTS["choices"][n]] == []
    again = TrainConfig.parse(from_kohya({**given, "sdxl": family == "sdxl"}).settings)
    assert again.method == method
    for name in (
        "save_last_steps",
        "save_last_epochs",
        "velocity_like_loss",
        "base_weights",
        "adaptive_noise_scale",
        "base_weights_multipliers",
    ):
        assert getattr(again, name) == getattr(config, name)
    assert again.captions.tag_warmup_steps == 50
    assert again.captions.tag_warmup_min == 2
    assert again.network.dim_from_weights == (method == "lora")
    if method != "textual_inversion":
        assert again.train_text_encoder
        assert again.text_encoder_learning_rate == 1e-5
    if (method, family) == ("dreambooth", "sdxl"):
        assert again.text_encoder_2_learning_rate == 2e-5
