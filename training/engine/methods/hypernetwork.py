"""Hypernetworks as A1111 has them: small networks on the context before keys and values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from training.engine import randomness
from training.engine.components import Components
from training.engine.config.sections import HypernetworkConfig
from training.engine.config.train import TrainConfig
from training.engine.files.file_writing import save_pt
from training.engine.method import ExportInfo, Method, for_saving
from training.engine.optimizers.optim import ParamGroup
from training.engine.stand_ins import layer_behind

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leakyrelu": nn.LeakyReLU,
    "elu": nn.ELU,
    "swish": nn.Hardswish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "softsign": nn.Softsign,
    "softplus": nn.Softplus,
    "selu": nn.SELU,
    "celu": nn.CELU,
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "hardtanh": nn.Hardtanh,
    "hardsigmoid": nn.Hardsigmoid,
    "logsigmoid": nn.LogSigmoid,
    "tanhshrink": nn.Tanhshrink,
    "softshrink": nn.Softshrink,
    "hardshrink": nn.Hardshrink,
}


class ContextNetwork(nn.Module):
    """x + mlp(x) on a context of one width; the names in its state are A1111's."""

    def __init__(self, width: int, settings: HypernetworkConfig) -> None:
        super().__init__()
        sizes = [int(width * share) for share in settings.layer_structure]
        layers: list[nn.Module] = []
        for index in range(len(sizes) - 1):
            last = index == len(sizes) - 2
            layers.append(nn.Linear(sizes[index], sizes[index + 1]))
            if settings.activation != "linear" and (settings.activate_output or not last):
                layers.append(ACTIVATIONS[settings.activation]())
            if settings.layer_norm:
                layers.append(nn.LayerNorm(sizes[index + 1]))
            if settings.dropout and settings.dropout[index + 1] > 0:
                layers.append(nn.Dropout(settings.dropout[index + 1]))
        self.strength = 1.0  # as A1111's slider; always 1 while training
        self.linear = nn.Sequential(*layers)
        for layer in self.linear:
            _initialise(layer, settings)

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        """Return the changed context, of the same shape."""
        change: torch.Tensor = self.linear(context)
        return context + change * self.strength


def _initialise(layer: nn.Module, settings: HypernetworkConfig) -> None:
    if not isinstance(layer, nn.Linear | nn.LayerNorm):
        return
    kind = settings.weight_init
    nonlinearity: Any = "leaky_relu" if settings.activation == "leakyrelu" else "relu"
    if kind == "Normal" or isinstance(layer, nn.LayerNorm):
        nn.init.normal_(layer.weight, mean=0.0, std=0.01)
    elif kind == "XavierUniform":
        nn.init.xavier_uniform_(layer.weight)
    elif kind == "XavierNormal":
        nn.init.xavier_normal_(layer.weight)
    elif kind == "KaimingUniform":
        nn.init.kaiming_uniform_(layer.weight, nonlinearity=nonlinearity)
    else:
        nn.init.kaiming_normal_(layer.weight, nonlinearity=nonlinearity)
    nn.init.zeros_(layer.bias)


class ChangedProjection(nn.Module):
    """A key or value projection that sees its context through a hypernetwork."""

    def __init__(self, projection: nn.Module, network: ContextNetwork) -> None:
        super().__init__()
        self.projection = projection
        self.network = [network]  # in a list: it is shared, and no part of this module

    def forward(self, context: torch.Tensor, *args: Any) -> torch.Tensor:
        """Return the projection of the changed context."""
        projected: torch.Tensor = self.projection(self.network[0](context), *args)
        return projected


def attentions_of(unet: nn.Module) -> list[Any]:
    """Return the attention layers of a UNet."""
    return [module for module in unet.modules() if type(module).__name__ == "Attention"]


def change_projections(
    unet: nn.Module, networks: Mapping[int, tuple[ContextNetwork, ContextNetwork]]
) -> Callable[[], None]:
    """Put networks before all keys and values whose context has their width; return the undoing."""
    changed = []
    for attention in attentions_of(unet):
        pair = networks.get(layer_behind(attention.to_k).in_features)
        if pair is not None:
            changed.append((attention, attention.to_k, attention.to_v))
            attention.to_k = ChangedProjection(attention.to_k, pair[0])
            attention.to_v = ChangedProjection(attention.to_v, pair[1])

    def undo() -> None:
        for attention, keys, values in changed:
            attention.to_k, attention.to_v = keys, values

    return undo


class HypernetworkMethod(Method):
    """Trains two networks (for keys and for values) for each width of context."""

    component: ClassVar[str] = "hypernetwork"

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self._networks: dict[int, tuple[ContextNetwork, ContextNetwork]] = {}

    @property
    def extension(self) -> str:
        """Return the ending of A1111's files."""
        return ".pt"

    def install(self, components: Components) -> None:
        """Put the networks before all keys and values whose context has one of the widths."""
        self._components = components
        settings = self.config.hypernetwork
        widths = {attention.to_k.in_features for attention in attentions_of(components.unet)}
        chosen = sorted(widths & set(settings.sizes) if settings.sizes else widths)
        torch.manual_seed(randomness.torch_seed(self.config.seed, "hypernetwork init"))
        for width in chosen:
            pair = (ContextNetwork(width, settings), ContextNetwork(width, settings))
            for network in pair:
                network.to(components.device).train()
            self._networks[width] = pair
        change_projections(components.unet, self._networks)

    def set_training(self, *, training: bool) -> None:
        """Switch dropout on for steps and off for samples."""
        for pair in self._networks.values():
            for network in pair:
                network.train(training)

    def named_parameters(self) -> dict[str, nn.Parameter]:
        """Return the weights as {width}.{k|v}.{name}."""
        return {
            f"{width}.{letter}.{name}": parameter
            for width, pair in self._networks.items()
            for letter, network in zip("kv", pair, strict=True)
            for name, parameter in network.named_parameters()
        }

    def param_groups(self) -> list[ParamGroup]:
        """Return all weights in one group."""
        return [ParamGroup("hypernetwork", list(self.named_parameters().values()))]

    def file_of_now(self, info: ExportInfo) -> Callable[[Path], None]:
        """Copy the .pt that A1111 loads: widths as integer keys, each with two state dicts."""
        settings, components = self.config.hypernetwork, self._components
        data: dict[int | str, Any] = {
            width: tuple(_plain_state(network) for network in pair)
            for width, pair in self._networks.items()
        }
        data |= {
            "step": info.step,
            "name": info.name,
            "layer_structure": list(settings.layer_structure),
            "activation_func": settings.activation,
            "is_layer_norm": settings.layer_norm,
            "weight_initialization": settings.weight_init,
            "sd_checkpoint": components.sha256[:10] or None,
            "sd_checkpoint_name": components.name,
            "activate_output": settings.activate_output,
            "use_dropout": bool(settings.dropout),
            "dropout_structure": list(settings.dropout) or None,
            "last_layer_dropout": False,
            "optional_info": None,
        }
        return partial(save_pt, data=data)


def _plain_state(network: ContextNetwork) -> dict[str, torch.Tensor]:
    return {n: for_saving(t, torch.float32) for n, t in network.state_dict().items()}
