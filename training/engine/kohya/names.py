"""The names of kohya's sd-scripts, and which of our settings each one is. Torch-free.

https://github.com/kohya-ss/sd-scripts/blob/main/docs/train_network.md
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

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
    "cosine_with_min_lr": "cosine",
}
OPTIMIZERS = {"adamw": "AdamW", "adamw8bit": "AdamW8bit", "adafactor": "AdaFactor",
              "lion": "Lion", "prodigy": "Prodigy", "sgd": "SGDNesterov"}  # fmt: skip
LOSSES = {"l2": "mse", "l1": "l1", "huber": "huber", "smooth_l1": "smooth_l1"}


def truth(value: Any) -> bool:
    """Tell whether a setting is on, as TOML, JSON or the command line write it."""
    return value in (True, "True", "true", 1)


def sides(value: Any) -> tuple[int, int]:
    """Return width and height of a resolution: one number, two with a comma, or a list of two."""
    numbers = value if isinstance(value, list) else str(value).replace("x", ",").split(",")
    return int(numbers[0]), int(numbers[-1])


def _side(value: Any) -> int:
    """Return the side of a square with as many pixels, in eights of pixels."""
    width, height = sides(value)
    return width if width == height else round(math.sqrt(width * height) / 8) * 8


def _first_rate(value: Any) -> float:
    """Return a rate, of a list for several text encoders the first."""
    return float(value[0] if isinstance(value, list) else value)


def _optimizer(value: Any) -> str:
    """Return our name of an optimizer; raises KeyError for one that is not here."""
    name = str(value).lower().rsplit(".", 1)[-1].removeprefix("paged")
    return {theirs.lower(): ours for ours, theirs in OPTIMIZERS.items()}[
        {"lion8bit": "lion", "sgd": "sgdnesterov"}.get(name, name)
    ]


def _scheduler(value: Any) -> str:
    """Return our name of a scheduler; raises KeyError for one that is not here."""
    return SCHEDULERS[str(value).lower()]


def _list(value: Any) -> list[str]:
    """Return a list of words, which interfaces write as one text, or as the only one of them."""
    words = (
        value.split() if isinstance(value, str) else value if isinstance(value, list) else [value]
    )
    return [str(word).strip("\"'") for word in words]


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
    "unet_lr": ("learning_rate", float),
    "text_encoder_lr": ("text_encoder_learning_rate", _first_rate),
    "learning_rate_te": ("text_encoder_learning_rate", float),
    "learning_rate_te1": ("text_encoder_learning_rate", float),
    "learning_rate_te2": ("text_encoder_2_learning_rate", float),
    "optimizer_type": ("optimizer", _optimizer),
    "lr_scheduler": ("scheduler", _scheduler),
    "lr_warmup_steps": ("warmup_steps", int),
    "lr_scheduler_num_cycles": ("scheduler_cycles", int),
    "lr_scheduler_power": ("scheduler_power", float),
    "lr_scheduler_min_lr_ratio": ("min_learning_rate_ratio", float),
    "max_grad_norm": ("max_grad_norm", float),
    "network_dim": ("network.dim", int),
    "network_alpha": ("network.alpha", float),
    "network_weights": ("initial_weights", str),
    "weights": ("initial_weights", str),
    "dim_from_weights": ("network.dim_from_weights", truth),
    "base_weights": ("base_weights", _list),
    "base_weights_multiplier": ("base_weights_multipliers", lambda v: [float(n) for n in _list(v)]),
    "network_dropout": ("network.dropout", float),
    "scale_weight_norms": ("network.max_norm", float),
    "min_snr_gamma": ("snr_gamma", float),
    "noise_offset": ("noise_offset", float),
    "noise_offset_random_strength": ("noise_offset_random", truth),
    "multires_noise_iterations": ("multires_noise_iterations", int),
    "multires_noise_discount": ("multires_noise_discount", float),
    "zero_terminal_snr": ("zero_terminal_snr", truth),
    "ip_noise_gamma": ("input_perturbation", float),
    "scale_v_pred_loss_like_noise_pred": ("scale_velocity_loss", truth),
    "debiased_estimation_loss": ("debiased_estimation", truth),
    "v_pred_like_loss": ("velocity_like_loss", float),
    "adaptive_noise_scale": ("adaptive_noise_scale", float),
    "loss_type": ("loss", lambda value: LOSSES[str(value).lower()]),
    "huber_c": ("huber_delta", float),
    "huber_schedule": ("huber_schedule", str),
    "min_timestep": ("min_timestep", int),
    "max_timestep": ("max_timestep", int),
    "clip_skip": ("clip_skip", int),
    "max_token_length": ("captions.max_tokens", int),
    "shuffle_caption": ("captions.shuffle", truth),
    "keep_tokens": ("captions.keep_tokens", int),
    "caption_dropout_rate": ("captions.dropout", float),
    "keep_tokens_separator": ("captions.keep_separator", str),
    "secondary_separator": ("captions.secondary_separator", str),
    "caption_prefix": ("captions.prefix", str),
    "caption_suffix": ("captions.suffix", str),
    "caption_dropout_every_n_epochs": ("captions.dropout_every_epochs", int),
    "enable_wildcard": ("captions.wildcards", truth),
    "weighted_captions": ("captions.emphasis", truth),
    "caption_tag_dropout_rate": ("captions.tag_dropout", float),
    "token_warmup_step": ("captions.tag_warmup_steps", lambda value: int(float(value))),
    "token_warmup_min": ("captions.tag_warmup_min", int),
    "caption_separator": ("captions.separator", str),
    "flip_aug": ("flip", truth),
    "color_aug": ("colour_augmentation", truth),
    "random_crop": ("crop", lambda value: "random" if truth(value) else "centre"),
    "alpha_mask": ("alpha_masks", truth),
    "enable_bucket": ("buckets.enabled", truth),
    "min_bucket_reso": ("buckets.min_side", int),
    "max_bucket_reso": ("buckets.max_side", int),
    "bucket_reso_steps": ("buckets.step", int),
    "bucket_no_upscale": ("buckets.upscale", lambda value: not truth(value)),
    "validation_split": ("validation.share", float),
    "validation_seed": ("validation.seed", int),
    "validate_every_n_epochs": ("validation.every_epochs", int),
    "validate_every_n_steps": ("validation.every_steps", int),
    "train_data_dir": ("dataset_manifest", str),
    "reg_data_dir": ("class_folder", str),
    "prior_loss_weight": ("prior.weight", float),
    "mixed_precision": ("mixed_precision", str),
    "save_precision": ("save_precision", lambda v: "fp32" if v in ("float", None) else str(v)),
    "gradient_checkpointing": ("gradient_checkpointing", truth),
    "save_every_n_epochs": ("save_every_epochs", int),
    "save_every_n_steps": ("save_every_steps", int),
    "save_last_n_epochs": ("save_last_epochs", int),
    "save_last_n_steps": ("save_last_steps", int),
    "sample_every_n_epochs": ("sample_every_epochs", int),
    "sample_every_n_steps": ("sample_every_steps", int),
    "sample_at_first": ("sampling.at_start", truth),
    "token_string": ("textual_inversion.token", str),
    "init_word": ("textual_inversion.initial_text", str),
    "num_vectors_per_token": ("textual_inversion.vectors", int),
    "torch_compile": ("compile", truth),
    "training_comment": ("about.comment", str),
    "metadata_title": ("about.title", str),
    "metadata_author": ("about.author", str),
    "metadata_description": ("about.description", str),
    "metadata_license": ("about.license", str),
    "metadata_tags": ("about.tags", str),
    "sample_sampler": ("sampling.sampler", lambda value: SAMPLERS[str(value).lower()]),
}
OFF_WITHOUT_VALUE = (
    "network_args", "caption_dropout_every_n_epochs", "min_snr_gamma", "noise_offset",
    "ip_noise_gamma", "scale_weight_norms", "multires_noise_iterations",
    "validate_every_n_steps", "validate_every_n_epochs", "save_every_n_epochs",
    "save_every_n_steps", "sample_every_n_epochs", "sample_every_n_steps",
    "scale_v_pred_loss_like_noise_pred", "v_pred_like_loss", "adaptive_noise_scale",
    "save_last_n_epochs", "save_last_n_steps", "token_warmup_step", "dim_from_weights",
    "base_weights", "base_weights_multiplier",
)  # fmt: skip
# What has no meaning here because the engine always does it, or does it by itself.
WITHOUT_MEANING = {
    "cache_latents", "cache_latents_to_disk", "cache_text_encoder_outputs", "xformers", "sdpa",
    "cache_text_encoder_outputs_to_disk", "mem_eff_attn", "lowram", "highvram", "skip_cache_check",
    "max_data_loader_n_workers", "persistent_data_loader_workers", "vae_batch_size", "no_half_vae",
    "output_dir", "logging_dir", "log_with", "log_prefix", "log_tracker_name", "log_config",
    "wandb_api_key", "wandb_run_name", "save_state", "save_state_on_train_end", "console_log_level",
    "console_log_file",
    "disable_mmap_load_safetensors", "huber_scale", "text_encoder_batch_size", "config_file",
    "async_upload", "cache_info", "console_log_simple",
    "cpu_offload_checkpointing", "ddp_gradient_as_bucket_view", "ddp_static_graph", "ddp_timeout",
    "diffusers_xformers", "dynamo_backend", "fused_backward_pass", "fused_optimizer_groups",
    "log_tracker_config", "offload_optimizer_device", "offload_optimizer_nvme_path",
    "offload_param_device", "offload_param_nvme_path", "output_config",
    "save_last_n_epochs_state", "save_last_n_steps_state", "tokenizer_cache_dir",
    "use_safetensors", "zero3_init_flag", "zero3_save_16bit_model", "zero_stage",
}  # fmt: skip
# What is read together with others, in kohya_import.py.
READ_TOGETHER = {
    "save_model_as", "in_json",
    "network_module", "network_args", "network_train_unet_only", "optimizer_args", "v2", "sdxl",
    "train_text_encoder",
    "v_parameterization", "stop_text_encoder_training", "sample_prompts", "dataset_config",
    "use_8bit_adam", "use_lion_optimizer", "use_object_template", "use_style_template",
    "save_n_epoch_ratio", "metadata_is_negative_embedding", "caption_extension",
    "caption_extention",
}  # fmt: skip
# What kohya's scripts do where a file says nothing, and we would do otherwise.
DEFAULTS: dict[str, Any] = {
    "learning_rate": 2e-6, "train_batch_size": 1, "lr_scheduler": "constant", "resolution": 512,
    "enable_bucket": False, "mixed_precision": "no", "gradient_checkpointing": False,
    "save_every_n_epochs": 0, "sample_every_n_epochs": 0, "save_precision": "float",
}  # fmt: skip
# What optimizers do there unless optimizer_args say otherwise, and would do otherwise here.
OPTIMIZER_DEFAULTS: dict[str, dict[str, float]] = {
    **{name: {"weight_decay": 0.0} for name in ("adafactor", "prodigy", "sgd")},
    "lion": {"weight_decay": 0.0, "beta2": 0.99},
}
RATE_OF_ITS_OWN = 0.1
"""From here a rate is meant for an optimizer that finds its own, such as DAdaptAdam."""
CAPTION_ENDINGS = (".txt", ".caption")
BUCKET_SIDES = {"min_bucket_reso": 256, "max_bucket_reso": 1024}  # where buckets are on
NETWORK_DEFAULTS: dict[str, Any] = {"network_dim": 4, "network_alpha": 1.0}
DEFAULT_STEPS = 1600
