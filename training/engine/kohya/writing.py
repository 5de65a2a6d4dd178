"""Our settings as TOML for kohya's sd-scripts, for who trains elsewhere. Torch-free."""

from __future__ import annotations

from typing import Any

from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.estimate import guess_family
from training.engine.kohya.names import (
    BUCKET_SIDES,
    LOSSES,
    OFF_WITHOUT_VALUE,
    OPTIMIZERS,
    PLAIN,
    SAMPLERS,
)
from training.engine.kohya.network import network_arguments, network_module
from training.engine.schedule import parse_rate_list
from training.engine.toml_text import toml_text

LIKE_ANOTHER = {"unet_lr", "learning_rate_te", "learning_rate_te1", "learning_rate_te2"}
# Names, or how names begin, that only the script of one method has, and that all but one have.
OF_METHOD: dict[str, tuple[str, ...]] = {
    "lora": (
        "network_",
        "scale_weight_norms",
        "text_encoder_lr",
        "validat",
        "training_comment",
        "dim_from_weights",
        "base_weights",
    ),
    "textual_inversion": ("token_string", "init_word", "num_vectors_per_token", "weights"),
}
NOT_OF_METHOD: dict[str, tuple[str, ...]] = {
    "textual_inversion": ("caption_dropout", "caption_tag_dropout", "weighted_captions"),
}


def to_kohya(config: TrainConfig) -> str:
    """Return the settings as TOML for `train_network.py --config_file` and its siblings.

    Raises ConfigError for a hypernetwork, which none of them trains.
    """
    if config.method == "hypernetwork":
        raise ConfigError("kohya's scripts train no hypernetworks, so there is nothing to write.")
    config = config.resolved()
    others: tuple[str, ...] = NOT_OF_METHOD.get(config.method, ())
    for method, names in OF_METHOD.items():
        others += names if method != config.method else ()
    dumped = config.model_dump(mode="json")
    found = {
        name: _get(dumped, target)
        for name, (target, _) in PLAIN.items()
        if name not in LIKE_ANOTHER and not name.startswith(others)
    }
    found |= _renamed(config) | _base(config) | _optimizer(config) | _of_method(config)
    if not config.noise_offset:
        found["adaptive_noise_scale"] = None  # which kohya's scripts take with an offset alone
    if not config.captions.tag_warmup_steps:
        found["token_warmup_min"] = None
    for optional in OFF_WITHOUT_VALUE:
        if not found.get(optional):
            found.pop(optional, None)
    return toml_text({name: value for name, value in found.items() if value not in (None, "")})


def _renamed(config: TrainConfig) -> dict[str, Any]:
    """Return what kohya writes with other words, or leaves out where it is as usual."""
    precision = config.save_precision
    sampler = {v: k for k, v in SAMPLERS.items()}.get(config.sampling.sampler, "dpmsolver++")
    longest = config.captions.max_tokens
    folder = config.dataset_manifest
    return {
        "resolution": f"{config.resolution},{config.resolution}",  # which they split at the comma
        "bucket_no_upscale": not config.buckets.upscale,
        **_bucket_sides(config),
        "loss_type": {ours: theirs for theirs, ours in LOSSES.items()}[config.loss],
        "sample_sampler": sampler,
        "save_precision": "float" if precision == "fp32" else precision,
        "mixed_precision": "no" if config.mixed_precision == "auto" else config.mixed_precision,
        "max_token_length": longest if longest > 75 else None,
        "clip_skip": config.clip_skip if config.clip_skip > 1 else None,
        "train_data_dir": None if folder.endswith(".json") else folder,
        "reg_data_dir": config.class_folder if config.prior.enabled else None,
        "caption_extension": None if folder.endswith(".json") else ".txt",  # theirs is .caption
        "save_model_as": _file_kind(config),
        "random_crop": config.crop == "random",
        # kohya's scripts allow the one or the others
        "cache_latents": not (config.colour_augmentation or config.crop == "random"),
    }


def _file_kind(config: TrainConfig) -> str:
    """Return the kind of file that is written; each of kohya's scripts has a usual one."""
    is_word = config.method == "textual_inversion"
    return config.textual_inversion.file_format if is_word else "safetensors"


def _bucket_sides(config: TrainConfig) -> dict[str, int | None]:
    """Return the least and the largest side of buckets, where they are not kohya's own."""
    buckets, side = config.buckets, config.resolution
    found = {
        "min_bucket_reso": buckets.min_side or side // 2,
        "max_bucket_reso": buckets.max_side or side * 2,
    }
    return {n: value if value != BUCKET_SIDES[n] else None for n, value in found.items()}


def _base(config: TrainConfig) -> dict[str, Any]:
    """Return what kohya's scripts must be told of a base, and ours see by themselves."""
    if guess_family(config) != "sd2":
        return {}
    predicts = config.base_model.prediction_type
    velocity = predicts == "v_prediction" or (predicts == "auto" and config.resolution >= 768)
    return {"v2": True, "v_parameterization": velocity}


def _optimizer(config: TrainConfig) -> dict[str, Any]:
    """Return the optimizer with its arguments; of a list of rates kohya knows only the first."""
    arguments = [f"weight_decay={config.weight_decay}"]
    if config.optimizer == "sgd":
        arguments.append(f"momentum={config.beta1}")
    elif config.optimizer == "adafactor":
        arguments += ["scale_parameter=False", "relative_step=False", "warmup_init=False"]
    else:
        arguments.append(f"betas={config.beta1},{config.beta2}")
    warms_up = config.scheduler == "constant" and config.warmup_steps
    return {
        "learning_rate": parse_rate_list(str(config.learning_rate)).rate(0),
        "optimizer_type": OPTIMIZERS[config.optimizer],
        "optimizer_args": arguments,
        "lr_scheduler": "constant_with_warmup" if warms_up else config.scheduler,
    }


def _of_method(config: TrainConfig) -> dict[str, Any]:
    first, second = config.text_encoder_learning_rate, config.text_encoder_2_learning_rate
    if config.method == "lora":
        arguments = network_arguments(config.network, xl=guess_family(config) == "sdxl")
        return {
            "network_module": network_module(config.network),
            "network_train_unet_only": not config.train_text_encoder,
            "text_encoder_lr": first if first is None or second is None else [first, second],
            "network_args": [f"{name}={value}" for name, value in arguments.items()],
        }
    if config.method == "dreambooth":
        return _of_dreambooth(config, first, second)
    templates = {"subject": "use_object_template", "style": "use_style_template"}
    chosen = config.textual_inversion.templates
    if config.method == "textual_inversion" and chosen in ("subject", "style"):
        return {templates[chosen]: True}
    return {}


def _of_dreambooth(
    config: TrainConfig, first: float | None, second: float | None
) -> dict[str, Any]:
    """Return how the text encoders are trained; of SDXL kohya's script cannot stop them."""
    trains, stop = config.train_text_encoder, config.text_encoder_stop_fraction
    if guess_family(config) == "sdxl":
        rates = {
            "learning_rate_te1": first,
            "learning_rate_te2": first if second is None else second,
        }
        return {"prior_loss_weight": None, "train_text_encoder": trains} | (rates if trains else {})
    if not trains:
        return {"stop_text_encoder_training": -1}
    found: dict[str, Any] = {"learning_rate_te": first}
    if stop < 1 and config.max_steps:
        found["stop_text_encoder_training"] = round(stop * config.max_steps)
    return found


def _get(data: dict[str, Any], target: str) -> Any:
    for part in target.split("."):
        data = data[part]
    return data
