"""LoRA and its kin: small adapters on the attention, feed-forward and, if asked, convolutions.

peft defines the plain adapters, and holds those of wide convolutions and those that drop something;
`adapters` has the others in fewer operations, and the rest of the family. The files are kohya's and
LyCORIS's, with the true alpha of every layer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch

from training.engine import randomness
from training.engine.adapters.beginning import fill_adapters, shaped_as_file
from training.engine.adapters.dropping import Dropping, DroppingAdapter
from training.engine.adapters.fused import (
    FusedAdapter,
    can_be_fused,
    initialise,
    shrink,
)
from training.engine.adapters.targets import Target, text_targets, unet_targets
from training.engine.adapters.weights import (
    DoraAdapter,
    LohaAdapter,
    LokrAdapter,
    WeightAdapter,
)
from training.engine.components import Components
from training.engine.config.network import NetworkConfig
from training.engine.config.train import TrainConfig
from training.engine.files.lazy_tensors import save_tensors
from training.engine.kohya.network import network_arguments, network_module
from training.engine.method import ExportInfo, Method, for_saving, saved_dtype
from training.engine.optimizers.optim import SECOND_TEXT, ParamGroup
from training.engine.text import inner_text_model

ADAPTER = "default"
MAGNITUDE = "dora_scale"


class Adapter(Protocol):
    """What a LoRA method asks of the adapter of one layer."""

    @property
    def alpha(self) -> float:
        """Return the alpha of the file."""

    def by_file_key(self) -> dict[str, torch.nn.Parameter]:
        """Return the trained tensors under the names they have in a file."""

    def keep_norm_below(self, limit: float) -> None:
        """Make the change smaller where its norm is above the limit."""

    def train(self, mode: bool = True) -> Any:  # noqa: FBT001, FBT002 - torch's own signature
        """Switch dropout."""


@dataclass
class PeftAdapter:
    """A layer of peft, and the module that stands in its place, where one does."""

    layer: Any
    stand_in: torch.nn.Module | None = None

    @property
    def alpha(self) -> float:
        """Return the alpha of the file."""
        return float(self.layer.lora_alpha[ADAPTER])

    def by_file_key(self) -> dict[str, torch.nn.Parameter]:
        """Return both matrices."""
        return {
            "lora_down.weight": self.layer.lora_A[ADAPTER].weight,
            "lora_up.weight": self.layer.lora_B[ADAPTER].weight,
        }

    def train(self, mode: bool = True) -> None:  # noqa: FBT001, FBT002 - torch's own signature
        """Switch dropout."""
        (self.stand_in or self.layer).train(mode)

    def keep_norm_below(self, limit: float) -> None:
        """Shrink both matrices alike."""
        down, up = self.by_file_key().values()
        shrink(down, up, self.layer.scaling[ADAPTER], limit)


class LoraMethod(Method):
    """Trains adapters on the UNet, and on the text encoders where asked."""

    component: ClassVar[str] = "lora"
    spec: ClassVar[str | None] = "/lora"
    has_diffusers_names: ClassVar[bool] = True

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        network = config.network
        self._adapters: dict[str, Adapter] = {}  # by kohya's name of the layer
        self._file_alphas: dict[str, float] = {}
        self._fuses = self._is_xl = False
        self._dropping = Dropping(network.dropout, network.rank_dropout, network.module_dropout)

    @property
    def header(self) -> dict[str, Any]:
        """Return the shape of the network in kohya's words."""
        network = self.config.network
        return {
            "ss_network_module": network_module(network),
            "ss_network_dim": network.dim,
            "ss_network_alpha": network.alpha,
            "ss_network_dropout": network.dropout or None,
            "ss_network_args": network_arguments(network, xl=self._is_xl),
            "ss_scale_weight_norms": network.max_norm or None,
        }

    @property
    def trains_text(self) -> bool:
        """Tell whether the text encoders have adapters too."""
        return self.config.train_text_encoder

    def install(self, components: Components) -> None:
        """Put adapters on the chosen layers; they change nothing before the first step."""
        torch.manual_seed(randomness.torch_seed(self.config.seed, "adapter init"))
        self._is_xl = components.architecture.name == "sdxl"
        self._fuses = components.compute == "fp32" and not self._dropping.acts
        network = self.config.network
        is_plain = network.algorithm == "lora" and not network.decompose
        adapt = self._adapt_plainly if is_plain else self._adapt_weights
        targets = self._shaped(unet_targets(components, self._widest(network)))
        self._file_alphas = {t.name: t.file_alpha for t in targets if t.file_alpha is not None}
        adapt(components.unet, targets)
        for number, encoder in enumerate(components.text_encoders):
            if self.config.trains_text_encoder(number):
                prefix = components.architecture.text_prefixes[number]
                found = self._shaped(text_targets(encoder, prefix, self.config))
                adapt(inner_text_model(encoder), found)

    @staticmethod
    def _widest(network: NetworkConfig) -> NetworkConfig:
        """Return a network with convolutions too, where a file says which layers there are."""
        if not network.dim_from_weights or network.conv_dim:
            return network
        return network.model_copy(update={"conv_dim": 1, "conv_alpha": 1.0})

    def _shaped(self, targets: list[Target]) -> list[Target]:
        """Return targets as they are, or as the file has them that the run goes on from."""
        if not self.config.network.dim_from_weights:
            return targets
        return shaped_as_file(targets, Path(self.config.initial_weights))

    def begin_with(self, path: Path) -> None:
        """Go on from a LoRA of the same shape, in the form of any tool."""
        fill_adapters(self._adapters, path)

    def _adapt_plainly(self, module: torch.nn.Module, targets: list[Target]) -> None:
        fused = [t for t in targets if self._fuses and can_be_fused(module.get_submodule(t.path))]
        others = [target for target in targets if target not in fused]
        if others:  # first: peft freezes whatever it finds that is not its own
            self._adapt_by_peft(module, others)
        for target in fused:
            base: Any = module.get_submodule(target.path)
            own = FusedAdapter(base, target.rank, target.alpha)
            module.set_submodule(target.path, own)
            self._adapters[target.name] = own
        for target in targets:  # in this order in the files; from a seed that no other layer moves
            adapter = self._adapters[target.name] = self._adapters.pop(target.name)
            seed = randomness.torch_seed(self.config.seed, f"adapter init {target.name}")
            initialise(adapter.by_file_key()["lora_down.weight"], seed)

    def _adapt_by_peft(self, module: torch.nn.Module, targets: list[Target]) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        network = self.config.network
        alpha: Any = network.alpha  # peft's types say int, and it takes fractions
        inject_adapter_in_model(
            LoraConfig(
                r=network.dim,
                lora_alpha=alpha,
                target_modules=[target.path for target in targets],
                rank_pattern={t.path: t.rank for t in targets if t.rank != network.dim},
                alpha_pattern={t.path: t.alpha for t in targets if t.alpha != network.alpha},
            ),
            module,
            ADAPTER,
        )
        for target in targets:
            layer: Any = module.get_submodule(target.path)
            layer.lora_A[ADAPTER].float()  # what is trained stays in float32
            layer.lora_B[ADAPTER].float()
            stand_in = None
            if self._dropping.acts:
                stand_in = DroppingAdapter(layer, ADAPTER, self._dropping)
                module.set_submodule(target.path, stand_in)
            self._adapters[target.name] = PeftAdapter(layer, stand_in)

    def _adapt_weights(self, module: torch.nn.Module, targets: list[Target]) -> None:
        for target in targets:
            adapter = self._weight_adapter(module.get_submodule(target.path), target)
            module.set_submodule(target.path, adapter)
            self._adapters[target.name] = adapter

    def _weight_adapter(self, base: torch.nn.Module, target: Target) -> WeightAdapter:
        network = self.config.network
        if network.algorithm == "loha":
            return LohaAdapter(base, target.rank, target.alpha, self._dropping)
        if network.algorithm == "lokr":
            factor = network.lokr_factor or -1
            return LokrAdapter(base, target.rank, target.alpha, self._dropping, factor)
        return DoraAdapter(
            base,
            target.rank,
            target.alpha,
            self._dropping,
            of_outputs=network.decompose_outputs,
        )

    def set_training(self, *, training: bool) -> None:
        """Switch the adapters' dropout."""
        for adapter in self._adapters.values():
            adapter.train(training)

    def named_parameters(self) -> dict[str, torch.nn.Parameter]:
        """Return the tensors of each layer under the names of the file."""
        return {
            f"{name}.{key}": tensor
            for name, adapter in self._adapters.items()
            for key, tensor in adapter.by_file_key().items()
        }

    def param_groups(self) -> list[ParamGroup]:
        """Return the UNet's adapters, and those of the text encoders with their own rate."""
        parameters = self.named_parameters()
        unet = {n: p for n, p in parameters.items() if n.startswith("lora_unet_")}
        text = {n: p for n, p in parameters.items() if n not in unet}
        second: dict[str, torch.nn.Parameter] = {}
        if self.config.text_encoder_2_learning_rate is not None:
            second = {n: p for n, p in text.items() if n.startswith("lora_te2_")}
            text = {n: p for n, p in text.items() if n not in second}
        stop = self.config.text_encoder_stop_fraction
        return [
            *_groups("unet", unet, 1.0),
            *_groups("text_encoder", text, stop),
            *_groups(SECOND_TEXT, second, stop),
        ]

    def after_step(self) -> None:
        """Keep the norm of each adapter below the limit (scale weight norms)."""
        limit = self.config.network.max_norm
        if limit:
            for adapter in self._adapters.values():
                adapter.keep_norm_below(limit)

    def file_of_now(self, info: ExportInfo) -> Callable[[Path], None]:
        """Copy what kohya's and LyCORIS's files hold: the tensors and the alpha of each layer."""
        dtype = saved_dtype(self.config)
        tensors = {}
        for name, adapter in self._adapters.items():
            parts = {key: tensor.detach() for key, tensor in adapter.by_file_key().items()}
            alpha = float(adapter.alpha)
            if "lora_down.weight" in parts:
                alpha = self._file_alphas.get(name, alpha)
                parts |= scaled_to(alpha, parts, float(adapter.alpha))
            tensors[f"{name}.alpha"] = torch.tensor(alpha).to(dtype)
            for key, tensor in parts.items():
                tensors[f"{name}.{key}"] = for_saving(tensor, dtype)
        return partial(save_tensors, tensors=tensors, metadata=info.metadata)


def scaled_to(
    alpha: float, parts: dict[str, torch.Tensor], trained_alpha: float
) -> dict[str, torch.Tensor]:
    """Return both matrices for a file with another alpha, of the same effect.

    Blocks of another rank need it: diffusers 0.42 loses an alpha that only some of the attention
    layers have.
    """
    if alpha == trained_alpha:
        return {}
    root = (trained_alpha / alpha) ** 0.5
    return {name: parts[name] * root for name in ("lora_down.weight", "lora_up.weight")}


def _groups(
    name: str, parameters: dict[str, torch.nn.Parameter], stop_fraction: float
) -> list[ParamGroup]:
    """Return one group, and one without decay for magnitudes, which decay would pull to nothing."""
    magnitudes = [p for n, p in parameters.items() if n.endswith(MAGNITUDE)]
    others = [p for n, p in parameters.items() if not n.endswith(MAGNITUDE)]
    groups = [ParamGroup(name, others, stop_fraction)] if others else []
    if magnitudes:
        groups.append(ParamGroup(name, magnitudes, stop_fraction, weight_decay=0.0))
    return groups
