"""The shape of a network in the words of kohya's scripts and of LyCORIS. Torch-free.

https://github.com/kohya-ss/sd-scripts/blob/main/networks/lora.py and
https://github.com/KohakuBlueleaf/LyCORIS/blob/main/docs/Network-Args.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from training.engine.config_network import NetworkConfig

KOHYA_MODULE = "networks.lora"
LYCORIS_MODULE = "lycoris.kohya"
SD_BLOCKS = (
    *(f"input_blocks.{number}" for number in range(12)),
    "middle_block",
    *(f"output_blocks.{number}" for number in range(12)),
)
ALGORITHMS = {"lora": "lora", "locon": "lora", "loha": "loha", "lokr": "lokr"}


def network_module(network: NetworkConfig) -> str:
    """Return the module that would train this network: kohya's own, or LyCORIS."""
    plain = network.algorithm == "lora" and not network.decompose
    return KOHYA_MODULE if plain else LYCORIS_MODULE


def network_arguments(network: NetworkConfig) -> dict[str, str]:
    """Return the network_args of a network."""
    found: dict[str, str] = {}
    if network_module(network) == LYCORIS_MODULE:
        found["algo"] = network.algorithm
    if network.decompose:
        found |= {"dora_wd": "True", "wd_on_output": "False"}
    if network.algorithm == "lokr":
        found["factor"] = str(network.lokr_factor or -1)
    if network.conv_dim:
        found |= {"conv_dim": str(network.conv_dim), "conv_alpha": str(network.conv_alpha)}
    for name in ("rank_dropout", "module_dropout"):
        if getattr(network, name):
            found[name] = str(getattr(network, name))
    if set(network.block_dims) & set(SD_BLOCKS):
        dims = [network.block_dims.get(block, network.dim) for block in SD_BLOCKS]
        found["block_dims"] = ",".join(str(dim) for dim in dims)
    return found


def read_network_arguments(arguments: list[Any]) -> tuple[dict[str, Any], list[str]]:
    """Return settings of a NetworkConfig, and a sentence for each argument not understood."""
    settings: dict[str, Any] = {}
    report: list[str] = []
    for argument in arguments:
        name, _, value = str(argument).partition("=")
        try:
            settings |= READERS[name](value)
        except (ValueError, KeyError):
            report.append(f"network_args {argument!r} has no counterpart here and was left out.")
    return settings, report


def _number(name: str, kind: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    return lambda value: {name: kind(value)}


def _truth(value: str) -> bool:
    return value.strip().lower() == "true"


def _block_dims(value: str) -> dict[str, Any]:
    dims = [int(part) for part in value.split(",")]
    if len(dims) != len(SD_BLOCKS):
        raise ValueError(value)
    return {"block_dims": dict(zip(SD_BLOCKS, dims, strict=True))}


def _output_axis(value: str) -> dict[str, Any]:
    if _truth(value):
        raise ValueError(value)
    return {}


READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "conv_dim": _number("conv_dim", int),
    "conv_alpha": _number("conv_alpha", float),
    "rank_dropout": _number("rank_dropout", float),
    "module_dropout": _number("module_dropout", float),
    "algo": lambda value: {"algorithm": ALGORITHMS[value.strip().lower()]},
    "dora_wd": _number("decompose", _truth),
    "wd_on_output": _output_axis,
    "factor": lambda value: {"lokr_factor": max(0, int(value))},
    "block_dims": _block_dims,
}
