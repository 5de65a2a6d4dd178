"""The shape of a network in the words of kohya's scripts and of LyCORIS. Torch-free.

https://github.com/kohya-ss/sd-scripts/blob/main/networks/lora.py and
https://github.com/KohakuBlueleaf/LyCORIS/blob/main/docs/Network-Args.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from training.engine.config.network import NetworkConfig

KOHYA_MODULE = "networks.lora"
LYCORIS_MODULE = "lycoris.kohya"
MODULES = {
    KOHYA_MODULE: "lora",
    "networks.loha": "loha",
    "networks.lokr": "lokr",
    LYCORIS_MODULE: "lora",
}
"""The modules whose networks are trained here, each with its algorithm unless told otherwise."""
SD_BLOCKS = (
    *(f"input_blocks.{number}" for number in range(12)),
    "middle_block",
    *(f"output_blocks.{number}" for number in range(12)),
)
XL_BLOCKS = (
    "time_embed",
    *(f"input_blocks.{number}" for number in range(9)),
    *(f"middle_block.{number}" for number in range(3)),
    *(f"output_blocks.{number}" for number in range(9)),
    "out",
)
# Of LyCORIS's presets those that train the layers which a network here has; the first ones train
# the first and last convolution and the time embedding too, which no network here has.
WITH_CONVOLUTIONS = ("full", "unet-only")
WITHOUT_CONVOLUTIONS = ("attn-mlp", "unet-transformer-only")
ALGORITHMS = {"lora": "lora", "locon": "lora", "loha": "loha", "lokr": "lokr"}


def network_module(network: NetworkConfig) -> str:
    """Return the module that would train this network: kohya's own, or LyCORIS."""
    plain = network.algorithm == "lora" and not network.decompose
    return KOHYA_MODULE if plain else LYCORIS_MODULE


def network_arguments(network: NetworkConfig, *, xl: bool = False) -> dict[str, str]:
    """Return the network_args of a network with its alphas; SDXL has other blocks."""
    found = _lycoris_arguments(network) if network_module(network) == LYCORIS_MODULE else {}
    if network.conv_dim:
        found |= {"conv_dim": str(network.conv_dim), "conv_alpha": str(network.conv_alpha)}
    for name in ("rank_dropout", "module_dropout"):
        if getattr(network, name):
            found[name] = str(getattr(network, name))
    blocks = XL_BLOCKS if xl else SD_BLOCKS
    if set(network.block_dims) & set(blocks):
        dims = [network.block_dims.get(block, network.dim) for block in blocks]
        share = (network.alpha or network.dim) / network.dim
        found["block_dims"] = ",".join(str(dim) for dim in dims)
        found["block_alphas"] = ",".join(f"{dim * share:g}" for dim in dims)
    return found


def _lycoris_arguments(network: NetworkConfig) -> dict[str, str]:
    found: dict[str, str] = {"algo": network.algorithm}
    if not network.conv_dim:  # LyCORIS would take the convolutions too
        found["preset"] = "attn-mlp"
    if network.decompose:
        found |= {"dora_wd": "True", "wd_on_output": str(network.decompose_outputs)}
    if network.algorithm == "lokr":
        found["factor"] = str(network.lokr_factor or -1)
    return found


def read_network_arguments(
    arguments: list[Any], *, module: str = KOHYA_MODULE, dim: int = 4, alpha: float = 1.0
) -> tuple[dict[str, Any], list[str]]:
    """Return settings of a NetworkConfig, and a sentence for each argument not understood.

    What is left out is taken as the module that reads the arguments takes it.
    """
    pairs = [str(argument).partition("=") for argument in arguments]
    given = {name.strip(): value.strip() for name, _, value in pairs}
    algorithm = MODULES.get(module, "lora")
    settings: dict[str, Any] = {"algorithm": algorithm} if algorithm != "lora" else {}
    report: list[str] = []
    for argument, (name, _, value) in zip(arguments, pairs, strict=True):
        try:
            settings |= READERS[name.strip()](value)
        except WrongCountError as error:
            report.append(str(error))
        except (ValueError, KeyError):
            report.append(f"network_args {argument!r} has no counterpart here and was left out.")
    if module.startswith("lycoris"):
        settings = _lycoris_defaults(given, settings, dim, alpha)
    elif "conv_dim" in settings:
        settings.setdefault("conv_alpha", 1.0)
    if "block_dims" in settings:
        report += _alphas_lost(list(settings["block_dims"].values()), given, dim, alpha)
    return settings, report


def _lycoris_defaults(
    given: dict[str, str], settings: dict[str, Any], dim: int, alpha: float
) -> dict[str, Any]:
    """Return the settings with what LyCORIS does unless told otherwise."""
    settings = dict(settings)
    if given.get("preset", "full") in WITHOUT_CONVOLUTIONS:
        settings["conv_dim"] = 0
    else:
        settings["conv_dim"] = settings.get("conv_dim") or dim
        settings["conv_alpha"] = settings.get("conv_alpha") or alpha
    if settings.get("decompose"):
        settings.setdefault("decompose_outputs", True)
    return settings


def _alphas_lost(dims: list[int], given: dict[str, str], dim: int, alpha: float) -> list[str]:
    """Return a sentence where blocks have alphas of their own, which keep their share here."""
    alphas = [float(part) for part in given.get("block_alphas", "").split(",") if part.strip()]
    if alphas and len(alphas) != len(dims):
        return [
            f"network_args block_alphas has {len(alphas)} figures for {len(dims)} blocks and was "
            f"left out; each block's alpha is {alpha / dim:g} of its rank."
        ]
    alphas = alphas or [alpha] * len(dims)
    same = all(
        abs(own * dim - size * alpha) < 1e-3 * dim for own, size in zip(alphas, dims, strict=True)
    )
    if same:
        return []
    return [
        "The blocks of network_args have alphas of their own; here each block's alpha is the same "
        f"share of its rank, {alpha / dim:g}."
    ]


def _number(name: str, kind: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    return lambda value: {name: kind(value)}


def _truth(value: str) -> bool:
    return value.strip().lower() == "true"


class WrongCountError(ValueError):
    """A list with a figure for each block that has more or fewer than there are blocks."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"network_args block_dims has {count} figures and was left out: kohya's scripts take "
            f"{len(SD_BLOCKS)}, one for each block of SD 1 and 2, or {len(XL_BLOCKS)} for SDXL."
        )


def _block_dims(value: str) -> dict[str, Any]:
    """Return the rank of each block; raises WrongCountError, ValueError."""
    dims = [int(part) for part in value.split(",")]
    for blocks in (SD_BLOCKS, XL_BLOCKS):
        if len(blocks) == len(dims):
            return {"block_dims": dict(zip(blocks, dims, strict=True))}
    raise WrongCountError(len(dims))


def _preset(value: str) -> dict[str, Any]:
    """Take a preset that names the layers which are trained here; ValueError for another."""
    if value.strip() not in WITH_CONVOLUTIONS + WITHOUT_CONVOLUTIONS:
        raise ValueError(value)
    return {}


READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "conv_dim": _number("conv_dim", int),
    "conv_alpha": _number("conv_alpha", float),
    "rank_dropout": _number("rank_dropout", float),
    "module_dropout": _number("module_dropout", float),
    "algo": lambda value: {"algorithm": ALGORITHMS[value.strip().lower()]},
    "dora_wd": _number("decompose", _truth),
    "wd_on_output": _number("decompose_outputs", _truth),
    "preset": _preset,
    "factor": lambda value: {"lokr_factor": max(0, int(value))},
    "block_dims": _block_dims,
    "block_alphas": lambda _value: {},  # compared with the ranks, in _alphas_lost
}
