"""Settings of kohya's sd-scripts (TOML or JSON, as its web interfaces write), both ways.

Torch-free. https://github.com/kohya-ss/sd-scripts/blob/main/docs/train_network.md
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.engine.config import TrainConfig
from training.engine.errors import ConfigError
from training.engine.kohya_network import (
    network_arguments,
    network_module,
    read_network_arguments,
)
from training.engine.toml_text import toml_text

SAMPLERS = {
    "ddim": "DDIM",
    "euler": "Euler",
    "k_euler": "Euler",
    "euler_a": "Euler a",
    "k_euler_a": "Euler a",
    "dpmsolver++": "DPM++ 2M",
    "dpmsolver": "DPM++ 2M",
}
SCHEDULERS = {
    "constant_with_warmup": "constant",
    **{
        name: name
        for name in ("constant", "linear", "cosine", "cosine_with_restarts", "polynomial")
    },
}
OPTIMIZERS = {"adamw": "AdamW", "adamw8bit": "AdamW8bit", "adafactor": "AdaFactor",
              "lion": "Lion", "prodigy": "Prodigy", "sgd": "SGDNesterov"}  # fmt: skip
LOSSES = {"l2": "mse", "l1": "l1", "huber": "huber", "smooth_l1": "smooth_l1"}


@dataclass(frozen=True)
class KohyaImport:
    """What was read: settings for TrainConfig, and a sentence for each thing not understood."""

    settings: dict[str, Any]
    report: tuple[str, ...]


def _truth(value: Any) -> bool:
    return value in (True, "True", "true", 1)


def _side(value: Any) -> int:
    first = str(value).replace("x", ",").split(",")[0]
    return int(first)


def _optimizer(value: Any) -> str:
    """Return our name of an optimizer; raises KeyError for one that is not here."""
    name = str(value).lower().rsplit(".", 1)[-1].removeprefix("paged")
    return {theirs.lower(): ours for ours, theirs in OPTIMIZERS.items()}[
        {"lion8bit": "lion", "sgd": "sgdnesterov"}.get(name, name)
    ]


def _scheduler(value: Any) -> str:
    """Return our name of a scheduler; raises KeyError for one that is not here."""
    return SCHEDULERS[str(value).lower()]


Reader = Callable[[Any], Any]
PLAIN: dict[str, tuple[str, Reader]] = {
    "pretrained_model_name_or_path": ("base_model.path", str),
    "vae": ("base_model.vae_path", str),
    "output_name": ("output_name", str),
    "resolution": ("resolution", _side),
    "train_batch_size": ("batch_size", int),
    "gradient_accumulation_steps": ("gradient_accumulation", int),
    "max_train_epochs": ("epochs", int),
    "max_train_steps": ("max_steps", int),
    "seed": ("seed", int),
    "learning_rate": ("learning_rate", float),
    "text_encoder_lr": ("text_encoder_learning_rate", float),
    "unet_lr": ("learning_rate", float),
    "optimizer_type": ("optimizer", _optimizer),
    "lr_scheduler": ("scheduler", _scheduler),
    "lr_warmup_steps": ("warmup_steps", int),
    "lr_scheduler_num_cycles": ("scheduler_cycles", int),
    "lr_scheduler_power": ("scheduler_power", float),
    "max_grad_norm": ("max_grad_norm", float),
    "network_dim": ("network.dim", int),
    "network_alpha": ("network.alpha", float),
    "network_dropout": ("network.dropout", float),
    "scale_weight_norms": ("network.max_norm", float),
    "min_snr_gamma": ("snr_gamma", float),
    "noise_offset": ("noise_offset", float),
    "noise_offset_random_strength": ("noise_offset_random", _truth),
    "multires_noise_iterations": ("multires_noise_iterations", int),
    "multires_noise_discount": ("multires_noise_discount", float),
    "zero_terminal_snr": ("zero_terminal_snr", _truth),
    "ip_noise_gamma": ("input_perturbation", float),
    "debiased_estimation_loss": ("debiased_estimation", _truth),
    "loss_type": ("loss", lambda value: LOSSES[str(value).lower()]),
    "huber_c": ("huber_delta", float),
    "huber_schedule": ("huber_schedule", str),
    "min_timestep": ("min_timestep", int),
    "max_timestep": ("max_timestep", int),
    "clip_skip": ("clip_skip", int),
    "max_token_length": ("captions.max_tokens", int),
    "shuffle_caption": ("captions.shuffle", _truth),
    "keep_tokens": ("captions.keep_tokens", int),
    "caption_dropout_rate": ("captions.dropout", float),
    "keep_tokens_separator": ("captions.keep_separator", str),
    "caption_dropout_every_n_epochs": ("captions.dropout_every_epochs", int),
    "enable_wildcard": ("captions.wildcards", _truth),
    "weighted_captions": ("captions.emphasis", _truth),
    "caption_tag_dropout_rate": ("captions.tag_dropout", float),
    "flip_aug": ("flip", _truth),
    "enable_bucket": ("buckets.enabled", _truth),
    "min_bucket_reso": ("buckets.min_side", int),
    "max_bucket_reso": ("buckets.max_side", int),
    "bucket_reso_steps": ("buckets.step", int),
    "bucket_no_upscale": ("buckets.upscale", lambda value: not _truth(value)),
    "validation_split": ("validation.share", float),
    "validation_seed": ("validation.seed", int),
    "validate_every_n_epochs": ("validation.every_epochs", int),
    "validate_every_n_steps": ("validation.every_steps", int),
    "prior_loss_weight": ("prior.weight", float),
    "mixed_precision": ("mixed_precision", str),
    "save_precision": ("save_precision", lambda v: "fp32" if v in ("float", None) else str(v)),
    "gradient_checkpointing": ("gradient_checkpointing", _truth),
    "save_every_n_epochs": ("save_every_epochs", int),
    "sample_every_n_epochs": ("sample_every_epochs", int),
    "sample_sampler": ("sampling.sampler", lambda v: SAMPLERS.get(str(v), "DPM++ 2M")),
}
OFF_WITHOUT_VALUE = (
    "network_args", "caption_dropout_every_n_epochs", "min_snr_gamma", "noise_offset",
    "ip_noise_gamma", "scale_weight_norms", "multires_noise_iterations",
    "validate_every_n_steps", "validate_every_n_epochs",
)  # fmt: skip
# What has no meaning here because the engine always does it, or does it by itself.
WITHOUT_MEANING = {
    "cache_latents", "cache_latents_to_disk", "xformers", "sdpa", "mem_eff_attn", "lowram",
    "max_data_loader_n_workers", "persistent_data_loader_workers", "output_dir", "logging_dir",
    "log_with", "log_prefix", "save_model_as", "caption_extension", "save_state", "no_half_vae",
    "train_data_dir", "reg_data_dir", "dataset_config", "network_train_unet_only", "sample_prompts",
    "network_module", "network_args", "v2", "v_parameterization", "sdxl", "full_fp16", "full_bf16",
    "vae_batch_size", "cache_text_encoder_outputs", "in_json", "wandb_api_key",
}  # fmt: skip


def read_kohya_file(path: Path) -> KohyaImport:
    """Read a settings file of kohya's scripts; raises ConfigError where it is neither form."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path.name} is neither TOML nor JSON: {error}") from error
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat.update(value if isinstance(value, dict) else {name: value})
    prompts = flat.get("sample_prompts")
    if isinstance(prompts, str) and (path.parent / prompts).is_file():
        lines = (path.parent / prompts).read_text(encoding="utf-8-sig").splitlines()
        flat["sample_prompts"] = lines
    return from_kohya(flat)


def from_kohya(data: dict[str, Any]) -> KohyaImport:
    """Translate settings of kohya's scripts; what has no counterpart is reported, never guessed."""
    settings: dict[str, Any] = {"method": _method(data)}
    report: list[str] = []
    for name, value in data.items():
        if value in (None, "", "None") or name in WITHOUT_MEANING:
            continue
        if name not in PLAIN:
            report.append(f"{name} = {value!r} has no counterpart here and was left out.")
            continue
        target, reader = PLAIN[name]
        try:
            _put(settings, target, reader(value))
        except (KeyError, TypeError, ValueError):
            report.append(f"{name} = {value!r} could not be read and was left out.")
    shape, not_understood = read_network_arguments(data.get("network_args") or [])
    for name, value in shape.items():
        _put(settings, f"network.{name}", value)
    report += not_understood
    unet_only = _truth(data.get("network_train_unet_only"))
    settings["train_text_encoder"] = not unet_only and settings["method"] != "textual_inversion"
    prompts = data.get("sample_prompts")
    if isinstance(prompts, list):
        settings["sample_prompts"] = [str(line) for line in prompts]
    return KohyaImport(settings, tuple(report))


def to_kohya(config: TrainConfig) -> str:
    """Return the settings as TOML for `train_network.py --config_file` and its siblings."""
    config = config.resolved()
    dumped = config.model_dump(mode="json")
    found: dict[str, Any] = {}
    for name, (target, _) in PLAIN.items():
        value = _get(dumped, target)
        if value not in (None, ""):
            found[name] = value
    if config.scheduler == "constant" and config.warmup_steps:
        found["lr_scheduler"] = "constant_with_warmup"
    found["optimizer_type"] = OPTIMIZERS[config.optimizer]
    found["bucket_no_upscale"] = not config.buckets.upscale
    found["loss_type"] = {ours: theirs for theirs, ours in LOSSES.items()}[config.loss]
    found["sample_sampler"] = {v: k for k, v in SAMPLERS.items()}.get(
        config.sampling.sampler, "dpmsolver++"
    )
    found["save_precision"] = "float" if config.save_precision == "fp32" else config.save_precision
    found["mixed_precision"] = "no" if config.mixed_precision == "auto" else config.mixed_precision
    if config.method == "lora":
        found["network_module"] = network_module(config.network)
        found["network_train_unet_only"] = not config.train_text_encoder
        found["network_args"] = [
            f"{name}={value}" for name, value in network_arguments(config.network).items()
        ]
    for optional in OFF_WITHOUT_VALUE:
        if not found.get(optional):
            found.pop(optional, None)
    return toml_text(found)


def _method(data: dict[str, Any]) -> str:
    if "network_module" in data or "network_dim" in data:
        return "lora"
    return "textual_inversion" if "token_string" in data else "dreambooth"


def _put(settings: dict[str, Any], target: str, value: Any) -> None:
    section, _, name = target.rpartition(".")
    (settings.setdefault(section, {}) if section else settings)[name] = value


def _get(data: dict[str, Any], target: str) -> Any:
    for part in target.split("."):
        data = data[part]
    return data
