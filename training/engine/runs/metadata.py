"""What the files say about themselves: kohya's ss_ keys, modelspec 1.0.1, and our provenance.

Every value is a string, as safetensors wants; absent is "None", truth is "True" or "False", and
lists and tables are JSON, as kohya writes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from training.engine.architectures import Architecture
from training.engine.config.train import TrainConfig
from training.engine.method import Method
from training.engine.runs.data_metadata import DataFacts, data_metadata
from training.engine.version import ENGINE_VERSION

V2_VELOCITY = "stable-diffusion-v2-768-v"
STABILITY = "https://github.com/Stability-AI/generative-models"  # as kohya's files call the layout
OPTIMIZERS = {
    "adamw": "torch.optim.adamw.AdamW(weight_decay={decay},betas=({beta1}, {beta2}))",
    "adamw8bit": "training.engine.optimizers.adamw_8bit.AdamW8bit(weight_decay={decay},"
    "betas=({beta1}, {beta2}))",
    "adafactor": "transformers.optimization.Adafactor(weight_decay={decay},scale_parameter=False,"
    "relative_step=False,warmup_init=False)",
    "lion": "training.engine.optimizers.optim.Lion(weight_decay={decay},betas=({beta1}, {beta2}))",
    "prodigy": "training.engine.optimizers.prodigy.Prodigy(weight_decay={decay},"
    "betas=({beta1}, {beta2}))",
    "sgd": "torch.optim.sgd.SGD(weight_decay={decay},momentum={beta1},nesterov={nesterov})",
}


@dataclass(frozen=True)
class FileFacts:
    """A file that a run began with, and its hashes; empty where it was a folder."""

    name: str = ""
    sha256: str = ""
    old_hash: str = ""  # A1111's, of 64 KiB, 8 digits


@dataclass(frozen=True)
class RunFacts:
    """What is known about a run when a file is written; times in Unix seconds."""

    config: TrainConfig
    method: Method
    architecture: Architecture
    data: DataFacts
    base: FileFacts
    vae: FileFacts
    initial: FileFacts
    prediction_type: str
    zero_terminal_snr: bool
    precision: str
    checkpointing: bool
    session_id: str
    started_at: float
    total_steps: int
    epochs: int
    batches_per_epoch: int
    trigger_word: str
    processes: int = 1
    base_weights: tuple[FileFacts, ...] = ()


def file_metadata(facts: RunFacts, *, step: int, epoch: int, finished_at: float) -> dict[str, str]:
    """Return the header of a file made at this point of the run."""
    groups: tuple[dict[str, Any], ...] = (
        _run(facts, step, epoch, finished_at),
        _rates(facts.config),
        _base(facts),
        _loss(facts),
        {"ss_num_batches_per_epoch": facts.batches_per_epoch},
        data_metadata(facts.config, facts.data, processes=facts.processes),
        _validation(facts.config),
        _modelspec(facts, finished_at),
        facts.method.header,
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
        # As long whatever the time, since the length of the header moves sshs_legacy_hash.
        "ss_training_started_at": f"{facts.started_at:.3f}",
        "ss_training_finished_at": f"{finished_at:.3f}",
        "ss_output_name": facts.config.output_name,
        "ss_training_comment": facts.config.about.comment or None,
        "ss_sd_scripts_commit_hash": None,  # another program wrote this file
        "ss_epoch": epoch,
        "ss_steps": step,
        "ss_num_epochs": facts.epochs,
        "ss_max_train_steps": facts.total_steps,
        "ss_seed": facts.config.seed,
    }


def _rates(config: TrainConfig) -> dict[str, Any]:
    warms_up = config.scheduler == "constant" and config.warmup_steps
    return {
        "ss_learning_rate": config.learning_rate,
        "ss_unet_lr": config.learning_rate,
        "ss_text_encoder_lr": _text_rates(config),
        "ss_lr_scheduler": "constant_with_warmup" if warms_up else config.scheduler,
        "ss_lr_warmup_steps": config.warmup_steps,
        "ss_optimizer": OPTIMIZERS[config.optimizer].format(
            decay=config.weight_decay,
            beta1=config.beta1,
            beta2=config.beta2,
            nesterov=config.beta1 > 0,
        ),
        "ss_max_grad_norm": config.max_grad_norm,
    }


def _text_rates(config: TrainConfig) -> Any:
    """Return the rate of the text encoders, as a list where the second has one of its own."""
    first, second = config.text_encoder_learning_rate, config.text_encoder_2_learning_rate
    if not config.train_text_encoder:
        return None
    return first if second is None else [first, second]


def _base(facts: RunFacts) -> dict[str, Any]:
    config, velocity = facts.config, facts.prediction_type == "v_prediction"
    version = facts.architecture.base_version
    return {
        "ss_v2": facts.architecture.v2,
        "ss_base_model_version": f"{version}_v" if facts.architecture.v2 and velocity else version,
        "ss_sd_model_name": facts.base.name,
        "ss_sd_model_hash": facts.base.old_hash or None,
        "ss_new_sd_model_hash": facts.base.sha256 or None,
        "ss_vae_name": facts.vae.name or None,
        "ss_vae_hash": facts.vae.old_hash or None,
        "ss_new_vae_hash": facts.vae.sha256 or None,
        "ss_clip_skip": config.clip_skip if config.clip_skip > 1 else None,
        "ss_max_token_length": config.captions.max_tokens
        if config.captions.max_tokens > 75
        else None,
        "ss_mixed_precision": "no" if facts.precision == "fp32" else facts.precision,
        "ss_full_fp16": False,
        "ss_fp8_base": False,
        "ss_fp8_base_unet": False,
        "ss_lowram": False,
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
        "ss_adaptive_noise_scale": config.adaptive_noise_scale or None,
        "ss_multires_noise_iterations": config.multires_noise_iterations or None,
        "ss_multires_noise_discount": config.multires_noise_discount,
        "ss_ip_noise_gamma": config.input_perturbation or None,
        "ss_ip_noise_gamma_random_strength": False,
        "ss_zero_terminal_snr": facts.zero_terminal_snr,
        "ss_min_snr_gamma": config.snr_gamma or None,
        "ss_debiased_estimation": config.debiased_estimation,
        "ss_loss_type": "l2" if config.loss == "mse" else config.loss,
        "ss_huber_c": config.huber_delta if scheduled else None,
        "ss_huber_schedule": config.huber_schedule if scheduled else None,
        "ss_huber_scale": 1.0 if scheduled else None,
        "ss_prior_loss_weight": config.prior.weight,
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


def _modelspec(facts: RunFacts, finished_at: float) -> dict[str, Any]:
    config, method = facts.config, facts.method
    if method.spec is None:
        return {}
    spec = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": _modelspec_id(facts) + method.spec,
        "modelspec.implementation": facts.architecture.implementation
        if method.has_diffusers_names
        else STABILITY,
        "modelspec.title": config.about.title or config.output_name,
        "modelspec.resolution": f"{config.resolution}x{config.resolution}",
        "modelspec.date": datetime.fromtimestamp(int(finished_at), UTC).isoformat(),
        "modelspec.prediction_type": "v" if facts.prediction_type == "v_prediction" else "epsilon",
        "modelspec.timestep_range": f"{config.min_timestep},{config.max_timestep}",
    }
    for name in ("author", "description", "license", "tags"):
        if getattr(config.about, name):
            spec[f"modelspec.{name}"] = getattr(config.about, name)
    if facts.trigger_word:
        spec["modelspec.trigger_phrase"] = facts.trigger_word
    if config.clip_skip > 1:
        spec["modelspec.encoder_layer"] = str(config.clip_skip)
    return spec


def _modelspec_id(facts: RunFacts) -> str:
    velocity = facts.prediction_type == "v_prediction"
    return V2_VELOCITY if facts.architecture.v2 and velocity else facts.architecture.modelspec


def _provenance(facts: RunFacts) -> dict[str, Any]:
    initial = {"atelier.initial_weights_sha256": facts.initial.sha256}
    given = facts.config.base_weights_multipliers
    strengths = [*given, *[1.0] * (len(facts.base_weights) - len(given))]
    put_in = [
        {"name": file.name, "sha256": file.sha256, "weight": strength}
        for file, strength in zip(facts.base_weights, strengths, strict=True)
    ]
    return {
        **({"atelier.base_weights": put_in} if put_in else {}),
        **(initial if facts.initial.sha256 else {}),
        "atelier.engine_version": ENGINE_VERSION,
        "atelier.method": facts.method.name,
        "atelier.dataset_manifest_sha256": facts.data.manifest_sha256,
        "atelier.base_model_sha256": facts.base.sha256,
    }
