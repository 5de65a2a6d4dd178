"""What the files say about themselves: kohya's ss_ keys, modelspec 1.0.1, and our provenance.

Every value is a string, as safetensors wants; absent is "None", truth is "True" or "False", and
lists and tables are JSON, as kohya writes them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from training.engine.architectures import Architecture
from training.engine.config import TrainConfig
from training.engine.config_sections import CaptionConfig
from training.engine.data.manifest import Manifest
from training.engine.kohya_network import network_arguments, network_module
from training.engine.version import ENGINE_VERSION

V2_VELOCITY = "stable-diffusion-v2-768-v"
SPEC_SUFFIX = {"lora": "/lora", "textual_inversion": "/textual-inversion", "dreambooth": ""}


@dataclass(frozen=True)
class RunFacts:
    """What is known about a run when a file is written; times in Unix seconds."""

    config: TrainConfig
    architecture: Architecture
    manifest: Manifest
    manifest_sha256: str
    base_name: str
    base_sha256: str
    prediction_type: str
    zero_terminal_snr: bool
    precision: str
    checkpointing: bool
    session_id: str
    started_at: float
    total_steps: int
    epochs: int
    batches_per_epoch: int
    images: int
    class_images: int
    buckets: Mapping[tuple[int, int], int]
    trigger_word: str
    held_out_images: int = 0


def file_metadata(facts: RunFacts, *, step: int, epoch: int, finished_at: float) -> dict[str, str]:
    """Return the header of a file made at this point of the run."""
    groups: tuple[dict[str, Any], ...] = (
        _run(facts, step, epoch, finished_at),
        _rates(facts.config),
        _network(facts.config),
        _base(facts),
        _loss(facts),
        _data(facts),
        _validation(facts.config),
        _modelspec(facts, finished_at),
        _provenance(facts),
    )
    merged = {key: value for group in groups for key, value in group.items()}
    return {key: _text(value) for key, value in merged.items()}


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _run(facts: RunFacts, step: int, epoch: int, finished_at: float) -> dict[str, Any]:
    return {
        "ss_session_id": facts.session_id,
        "ss_training_started_at": facts.started_at,
        "ss_training_finished_at": finished_at,
        "ss_output_name": facts.config.output_name,
        "ss_training_comment": None,
        "ss_epoch": epoch,
        "ss_steps": step,
        "ss_num_epochs": facts.epochs,
        "ss_max_train_steps": facts.total_steps,
        "ss_seed": facts.config.seed,
    }


def _rates(config: TrainConfig) -> dict[str, Any]:
    return {
        "ss_learning_rate": config.learning_rate,
        "ss_unet_lr": config.learning_rate,
        "ss_text_encoder_lr": config.text_encoder_learning_rate
        if config.train_text_encoder
        else None,
        "ss_lr_scheduler": config.scheduler,
        "ss_lr_warmup_steps": config.warmup_steps,
        "ss_optimizer": f"{config.optimizer}(weight_decay={config.weight_decay},"
        f"betas=({config.beta1}, {config.beta2}))",
        "ss_max_grad_norm": config.max_grad_norm,
    }


def _network(config: TrainConfig) -> dict[str, Any]:
    if config.method != "lora":
        return {}
    network = config.network
    return {
        "ss_network_module": network_module(network),
        "ss_network_dim": network.dim,
        "ss_network_alpha": network.alpha,
        "ss_network_dropout": network.dropout or None,
        "ss_network_args": network_arguments(network),
        "ss_scale_weight_norms": network.max_norm or None,
    }


def _base(facts: RunFacts) -> dict[str, Any]:
    config, velocity = facts.config, facts.prediction_type == "v_prediction"
    version = facts.architecture.base_version
    return {
        "ss_v2": facts.architecture.v2,
        "ss_base_model_version": f"{version}_v" if facts.architecture.v2 and velocity else version,
        "ss_sd_model_name": facts.base_name,
        "ss_new_sd_model_hash": facts.base_sha256 or None,
        "ss_clip_skip": config.clip_skip if config.clip_skip > 1 else None,
        "ss_max_token_length": config.captions.max_tokens,
        "ss_mixed_precision": "no" if facts.precision == "fp32" else facts.precision,
        "ss_full_fp16": False,
        "ss_gradient_checkpointing": facts.checkpointing,
        "ss_gradient_accumulation_steps": config.gradient_accumulation,
        "ss_cache_latents": True,
    }


def _loss(facts: RunFacts) -> dict[str, Any]:
    config = facts.config
    scheduled = config.loss in ("huber", "smooth_l1")
    return {
        "ss_noise_offset": config.noise_offset or None,
        "ss_noise_offset_random_strength": config.noise_offset_random,
        "ss_adaptive_noise_scale": None,
        "ss_multires_noise_iterations": config.multires_noise_iterations or None,
        "ss_multires_noise_discount": config.multires_noise_discount,
        "ss_ip_noise_gamma": config.input_perturbation or None,
        "ss_zero_terminal_snr": facts.zero_terminal_snr,
        "ss_min_snr_gamma": config.snr_gamma or None,
        "ss_debiased_estimation": config.debiased_estimation,
        "ss_loss_type": "l2" if config.loss == "mse" else config.loss,
        "ss_huber_c": config.huber_delta if scheduled else None,
        "ss_huber_schedule": config.huber_schedule if scheduled else None,
        "ss_huber_scale": 1.0 if scheduled else None,
        "ss_prior_loss_weight": config.prior.weight,
    }


def _data(facts: RunFacts) -> dict[str, Any]:
    config, captions = facts.config, facts.config.captions
    folder = facts.manifest.name or "dataset"
    repeats = [image.repeats for image in facts.manifest.training]
    return {
        "ss_num_train_images": facts.images,
        "ss_num_reg_images": facts.class_images,
        "ss_num_validation_images": facts.held_out_images,
        "ss_num_batches_per_epoch": facts.batches_per_epoch,
        "ss_caption_dropout_rate": captions.dropout,
        "ss_caption_dropout_every_n_epochs": captions.dropout_every_epochs,
        "ss_caption_tag_dropout_rate": captions.tag_dropout,
        "ss_dataset_dirs": {
            folder: {"n_repeats": max(set(repeats), key=repeats.count), "img_count": len(repeats)}
        },
        "ss_reg_dataset_dirs": {},
        "ss_tag_frequency": {folder: _tag_frequency(facts.manifest, captions)},
        "ss_batch_size_per_device": config.batch_size,
        "ss_total_batch_size": config.batch_size,
        "ss_resolution": f"({config.resolution}, {config.resolution})",
        "ss_color_aug": False,
        "ss_flip_aug": config.flip,
        "ss_random_crop": False,
        "ss_shuffle_caption": captions.shuffle,
        "ss_keep_tokens": captions.keep_tokens,
        "ss_enable_bucket": config.buckets.enabled,
        "ss_bucket_no_upscale": not config.buckets.upscale,
        "ss_min_bucket_reso": config.buckets.min_side,
        "ss_max_bucket_reso": config.buckets.max_side,
        "ss_bucket_info": {
            "buckets": {
                str(number): {"resolution": list(size), "count": count}
                for number, (size, count) in enumerate(sorted(facts.buckets.items()))
            }
        },
    }


def _validation(config: TrainConfig) -> dict[str, Any]:
    settings = config.validation
    return {
        "ss_validation_seed": settings.seed,
        "ss_validation_split": settings.share,
        "ss_max_validation_steps": None,
        "ss_validate_every_n_epochs": settings.every_epochs or None,
        "ss_validate_every_n_steps": settings.every_steps or None,
    }


def _tag_frequency(manifest: Manifest, captions: CaptionConfig) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for image in manifest.training:
        text = image.caption
        if captions.keep_separator:
            text = text.replace(captions.keep_separator, captions.separator)
        counts.update(tag.strip() for tag in text.split(captions.separator) if tag.strip())
    return dict(counts.most_common())


def _modelspec(facts: RunFacts, finished_at: float) -> dict[str, Any]:
    if facts.config.method not in SPEC_SUFFIX:
        return {}
    config = facts.config
    spec = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": _modelspec_id(facts) + SPEC_SUFFIX[config.method],
        "modelspec.implementation": facts.architecture.implementation,
        "modelspec.title": config.output_name,
        "modelspec.resolution": f"{config.resolution}x{config.resolution}",
        "modelspec.date": datetime.fromtimestamp(int(finished_at), UTC).isoformat(),
        "modelspec.prediction_type": "v" if facts.prediction_type == "v_prediction" else "epsilon",
        "modelspec.timestep_range": f"{config.min_timestep},{config.max_timestep}",
    }
    if facts.trigger_word:
        spec["modelspec.trigger_phrase"] = facts.trigger_word
    if config.clip_skip > 1:
        spec["modelspec.encoder_layer"] = str(config.clip_skip)
    if config.method == "textual_inversion" and config.textual_inversion.negative:
        spec["modelspec.is_negative_embedding"] = "true"
    return spec


def _modelspec_id(facts: RunFacts) -> str:
    velocity = facts.prediction_type == "v_prediction"
    return V2_VELOCITY if facts.architecture.v2 and velocity else facts.architecture.modelspec


def _provenance(facts: RunFacts) -> dict[str, Any]:
    return {
        "atelier.engine_version": ENGINE_VERSION,
        "atelier.method": facts.config.method,
        "atelier.dataset_manifest_sha256": facts.manifest_sha256,
        "atelier.base_model_sha256": facts.base_sha256,
    }
