"""Settings that interfaces to kohya's scripts save, in the words of the scripts. Torch-free.

The page of https://github.com/bmaltais/kohya_ss saves one flat JSON with everything it shows, and
https://github.com/derrian-distro/LoRA_Easy_Training_Scripts a TOML of tables within tables.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

from training.engine.kohya.network import KOHYA_MODULE, LYCORIS_MODULE

# Of the page: what says the same in other words.
RENAMED = {
    "max_resolution": "resolution",
    "optimizer": "optimizer_type",
    "image_folder": "train_data_dir",
    "batch_size": "train_batch_size",
    "sdxl_checkbox": "sdxl",
    "stop_text_encoder_training_pct": "stop_text_encoder_training",
}
TEMPLATES = {"object template": "use_object_template", "style template": "use_style_template"}
PLAIN_NETWORKS = ("Standard", "Kohya LoCon")
NATIVE_NETWORKS = {"Kohya LoHa": "networks.loha", "Kohya LoKr": "networks.lokr"}
BLOCK_NAMES = (
    "block_dims", "block_alphas", "conv_block_dims", "conv_block_alphas",
    "down_lr_weight", "mid_lr_weight", "up_lr_weight", "block_lr_zero_threshold",
)  # fmt: skip
LYCORIS_NAMES = (
    "rank_dropout", "module_dropout", "dora_wd", "use_tucker", "use_scalar", "train_norm",
    "bypass_mode", "decompose_both", "rank_dropout_scale", "full_matrix", "constrain", "rescaled",
)  # fmt: skip
# What the page remembers of itself and of the machine, and what only other families of models have.
WITHOUT_EFFECT = {
    "LoRA_type", "LyCORIS_preset", "conv_dim", "conv_alpha", "factor", "unit", "train_on_input",
    "use_cp", "block_size", "network_train_on", "template", "epoch", "lr_warmup", "model_list",
    "noise_offset_type", "additional_parameters", "num_cpu_threads_per_process", "num_processes",
    "num_machines", "main_process_port", "multi_gpu", "gpu_ids", "extra_accelerate_launch_args",
    "async_upload", "sdxl_no_half_vae", "sdxl_cache_text_encoder_outputs", "save_as_bool",
    "no_token_padding", "use_wandb", "ae", "clip_l", "clip_g", "discrete_flow_shift", "mode_scale",
    "guidance_scale", "model_prediction_type", "timestep_sampling", "weighting_scheme",
    "train_blocks", "split_mode", "split_qkv", "apply_t5_attn_mask", "full_path", "create_caption",
    "create_buckets", "generate_caption_database", "generate_image_buckets", "use_latent_files",
    "caption_metadata_filename", "latent_metadata_filename", "train_dir",
    *BLOCK_NAMES, *LYCORIS_NAMES,
}  # fmt: skip
WITHOUT_EFFECT_PREFIXES = (
    "dynamo_", "huggingface_", "save_state_to_", "resume_from_hugg", "logit_", "flux1_", "flux_",
    "sd3_", "t5xxl", "anima_", "lumina_", "hunyuan_",
)  # fmt: skip
OTHER_FAMILIES = (
    "flux1_checkbox", "sd3_checkbox", "hunyuan_image_checkbox", "anima_checkbox", "lumina_checkbox",
)  # fmt: skip
TABLES = ("args", "dataset_args")


def is_of_page(data: Mapping[str, Any]) -> bool:
    """Tell whether settings were saved by the page, which has words that no script has."""
    return not {"LoRA_type", "max_resolution"}.isdisjoint(data)


def is_in_tables(data: Mapping[str, Any]) -> bool:
    """Tell whether settings have tables within tables."""
    tables = [value for value in data.values() if isinstance(value, dict)]
    return "subsets" in data or any(name in table for table in tables for name in TABLES)


def from_page(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the settings in the words of the scripts, and a sentence for each thing lost.

    As the page does, nothing that is off, empty or 0 is handed on.
    """
    given = {name: value for name, value in data.items() if value not in ("", "0", [], 0, None)}
    found = {
        RENAMED.get(name, name): value
        for name, value in given.items()
        if name not in WITHOUT_EFFECT and not name.startswith(WITHOUT_EFFECT_PREFIXES)
    }
    found |= _named_otherwise(given) | _network(given) | _additional(given)
    for name in _unused_noise(given):
        found.pop(name, None)
    report = _lost(data, found)
    if isinstance(found.get("sample_prompts"), str):
        found["sample_prompts"] = found["sample_prompts"].splitlines()
    return found, report


def _named_otherwise(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page counts in other units, or decides by other settings."""
    found: dict[str, Any] = {}
    if "epoch" in given and not {"max_train_epochs", "max_train_steps"} & given.keys():
        found["max_train_epochs"] = given["epoch"]
    if "lr_warmup" in given and "lr_warmup_steps" not in given:
        found["lr_warmup_steps"] = float(given["lr_warmup"]) / 100
    if given.get("template") in TEMPLATES:
        found[TEMPLATES[given["template"]]] = True
    is_network = "LoRA_type" in given
    if is_network and "text_encoder_lr" not in given and "unet_lr" in given:
        found["network_train_unet_only"] = True
    if not is_network and "token_string" not in given and _is_xl(given):
        found["train_text_encoder"] = bool(
            {"learning_rate_te1", "learning_rate_te2"} & given.keys()
        )
    return found


def _is_xl(given: Mapping[str, Any]) -> bool:
    return bool(given.get("sdxl") or given.get("sdxl_checkbox"))


def _network(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the module and the arguments of a network, as the page chooses them by its type."""
    kind = str(given.get("LoRA_type", ""))
    if not kind:
        return {}
    names: tuple[str, ...] = ("rank_dropout", "module_dropout")
    arguments: dict[str, Any] = {}
    module = NATIVE_NETWORKS.get(kind, KOHYA_MODULE)
    if kind in PLAIN_NETWORKS:
        names += BLOCK_NAMES
    elif kind not in NATIVE_NETWORKS:
        module, names = LYCORIS_MODULE, LYCORIS_NAMES
        algorithm = kind.rpartition("/")[2].lower()
        arguments = {"algo": algorithm, "preset": given.get("LyCORIS_preset", "full")}
    if kind != "Standard":
        names += ("conv_dim", "conv_alpha")
    if kind.endswith("LoKr"):
        names += ("factor",)
    arguments |= {name: given[name] for name in names if name in given}
    words = [f"{name}={value}" for name, value in arguments.items()]
    return {"network_module": module, "network_args": words}


def _unused_noise(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the kind of noise that the page shows, and does not use."""
    if given.get("noise_offset_type") == "Multires":
        return ("noise_offset", "noise_offset_random_strength", "adaptive_noise_scale")
    if given.get("noise_offset_type") == "Original":
        return ("multires_noise_iterations", "multires_noise_discount")
    return ()


def _additional(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that a person typed as for the command line."""
    found: dict[str, Any] = {}
    words = str(given.get("additional_parameters", "")).replace('"', "").replace("'", "")
    name = ""
    for word in shlex.split(words):
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            found[name] = value or True
        elif name:
            known = found[name]
            found[name] = word if known is True else f"{known} {word}"
    return found


def _lost(data: Mapping[str, Any], found: dict[str, Any]) -> list[str]:
    """Return sentences for what no setting of the scripts tells, and take the settings along."""
    report = []
    if any(data.get(name) for name in OTHER_FAMILIES):
        report.append("These settings are for a family of models that is not trained here.")
    if data.get("LoRA_type") and "text_encoder_lr" in found and "unet_lr" not in found:
        report.append("The text encoder alone would be trained; here the UNet is trained too.")
    if data.get("LoRA_type") and found.pop("stop_text_encoder_training", 0):
        report.append("Stopping the text encoder of a network is not done by the page either.")
    stop = found.get("stop_text_encoder_training")
    if stop and float(stop) > 0:
        steps = found.get("max_train_steps")
        found["stop_text_encoder_training"] = math.ceil(float(steps or 0) * float(stop) / 100)
        if not steps:
            report.append(
                f"The text encoder would stop after {stop} % of the steps, which epochs do not "
                "tell; it is trained to the end."
            )
    return report


def from_tables(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of tables within tables as one table.

    Arguments that have a table of their own become a list of words, and folders with their
    repeats a data set, as the scripts have them.
    """
    found: dict[str, Any] = {}
    for name, value in data.items():
        if name == "subsets":
            found["datasets"] = [{"subsets": value}]
        elif isinstance(value, dict):
            for inner, content in value.items():
                known = inner in TABLES and isinstance(content, dict)
                found |= _in_words(content) if known else {inner: content}
    if found.pop("train_mode", "lora") == "lora":
        found.setdefault("network_module", KOHYA_MODULE)
    if "warmup_ratio" in found:
        found["lr_warmup_steps"] = float(found.pop("warmup_ratio"))
    return found


def _in_words(table: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        RENAMED.get(name, name) if name == "batch_size" else name: value
        for name, value in table.items()
    }
    for name, value in table.items():
        if isinstance(value, dict):
            found[name] = [f"{key}={word}" for key, word in value.items()]
    arguments = found.get("network_args") or []
    if any(word.startswith("algo=") for word in arguments):
        found["network_module"] = LYCORIS_MODULE
    return found
