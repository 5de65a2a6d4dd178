"""Which layers get adapters, and what kohya's files call them."""

from __future__ import annotations

import difflib
import re
from contextlib import suppress
from dataclasses import dataclass

import torch

from training.engine.components import Components
from training.engine.config.network import NetworkConfig
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.files.unet_names import ldm_module_path
from training.engine.text import inner_text_model

_PARTS = {
    "attention": (".to_q", ".to_k", ".to_v", ".to_out.0"),
    "feed_forward": (".ff.net.0.proj", ".ff.net.2"),
    "projection": (".proj_in", ".proj_out"),
}
PARTS_TOLD = re.compile(r"(down|up)_blocks\.\d+|mid_block")
_RESNET_PARENTS = {"ResnetBlock2D", "Downsample2D", "Upsample2D"}


@dataclass(frozen=True)
class Target:
    """A layer with its path in the module, its name in the file, and its rank and alpha.

    `file_alpha` is the alpha of the file, where the file's numbers are scaled to another one.
    """

    path: str
    name: str
    rank: int
    alpha: float
    file_alpha: float | None = None


def unet_targets(components: Components, network: NetworkConfig) -> list[Target]:
    """Return the layers of the UNet that kohya would adapt at the same settings, in order."""
    unet = components.unet
    _refuse_unknown_blocks(unet, network)
    inside = _paths_below(unet, {"Transformer2DModel"})
    wanted = tuple(suffix for part in network.targets for suffix in _PARTS[part])
    chosen = [path for path in inside if path.endswith(wanted) and _adaptable(unet, path)]
    if network.conv_dim:
        chosen += [p for p in _paths_below(unet, _RESNET_PARENTS) if _adaptable(unet, p)]
    sgm = components.architecture.name == "sdxl"
    targets = []
    for path in chosen:
        original = ldm_module_path(path, unet.config)
        rank, usual = _shape(unet.get_submodule(path), network)
        other = _block_dim(network, path, original)
        alpha = usual
        if other is not None:
            rank, alpha = other, usual * other / rank
        named = original if sgm else path
        if rank:
            name = "lora_unet_" + named.replace(".", "_")
            targets.append(Target(path, name, rank, alpha, file_alpha=usual))
    if not targets:
        raise ConfigError("network.block_dims leaves out every layer, so nothing would be trained.")
    return targets


def _refuse_unknown_blocks(unet: torch.nn.Module, network: NetworkConfig) -> None:
    """Raise ConfigError where a rank is given to a part that this UNet has not."""
    if not network.block_dims:
        return
    known = _places(unet)
    for block in network.block_dims:
        if block in known:
            continue
        alike = difflib.get_close_matches(block, known, 1)
        parts = [name for name in known if PARTS_TOLD.fullmatch(name)]
        raise ConfigError(
            f"network.block_dims names {block!r}, and the UNet of this base model has no such part"
            f"{f'; {alike[0]} is meant, perhaps' if alike else ''}. Its blocks are "
            f"{', '.join(parts)}, or input_blocks, middle_block and output_blocks in kohya's names."
        )


def _places(unet: torch.nn.Module) -> list[str]:
    """Return the paths of all parts of a UNet, in diffusers' names and in the original ones."""
    found: dict[str, None] = {}
    for path, _ in unet.named_modules():
        names = [path]
        with suppress(KeyError):  # a part that the original has not, as the list of all blocks
            names.append(ldm_module_path(path, unet.config))
        for name in names:
            parts = name.split(".")
            found |= dict.fromkeys(".".join(parts[: n + 1]) for n in range(len(parts)))
    return list(found)


def _block_dim(network: NetworkConfig, *paths: str) -> int | None:
    """Return the rank of the longest block whose path begins one of these; None where none does."""
    found = [
        (len(block), dim)
        for block, dim in network.block_dims.items()
        for path in paths
        if f"{path}.".startswith(f"{block}.")
    ]
    return max(found)[1] if found else None


def text_targets(encoder: torch.nn.Module, prefix: str, config: TrainConfig) -> list[Target]:
    """Return all attention and MLP layers of a text encoder; names always have `text_model`."""
    model = inner_text_model(encoder)
    paths = _paths_below(model, {"CLIPAttention", "CLIPMLP"})
    alpha = config.network.alpha or config.network.dim
    return [
        Target(
            path, f"{prefix}_text_model_{path.replace('.', '_')}", config.network.dim, float(alpha)
        )
        for path in paths
        if isinstance(model.get_submodule(path), torch.nn.Linear)
    ]


def _paths_below(module: torch.nn.Module, parents: set[str]) -> list[str]:
    """Return the paths of everything inside modules of these classes, in order, once each."""
    found: dict[str, None] = {}
    for path, parent in module.named_modules():
        if type(parent).__name__ in parents:
            found.update(
                dict.fromkeys(f"{path}.{name}" for name, _ in parent.named_modules() if name)
            )
    return list(found)


def _adaptable(module: torch.nn.Module, path: str) -> bool:
    return isinstance(module.get_submodule(path), torch.nn.Linear | torch.nn.Conv2d)


def _shape(layer: torch.nn.Module, network: NetworkConfig) -> tuple[int, float]:
    wide = isinstance(layer, torch.nn.Conv2d) and layer.kernel_size != (1, 1)
    if wide:
        return network.conv_dim, float(network.conv_alpha or network.conv_dim)
    return network.dim, float(network.alpha or network.dim)
