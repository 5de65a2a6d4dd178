"""LoRA: low-rank adapters on the attention, feed-forward and, if asked, convolution weights.

peft holds the adapters; the file is kohya's, with the true alpha of every layer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch

from training.engine import randomness
from training.engine.components import Components
from training.engine.config import TrainConfig
from training.engine.file_writing import save_tensors
from training.engine.methods.base import ExportInfo, Method, for_saving, saved_dtype
from training.engine.methods.fused_adapter import fuse
from training.engine.methods.lora_targets import Target, text_targets, unet_targets
from training.engine.optim import ParamGroup
from training.engine.text import inner_text_model

ADAPTER = "default"


class LoraMethod(Method):
    """Trains adapters on the UNet, and on the text encoders where asked."""

    name: ClassVar[str] = "lora"
    component: ClassVar[str] = "lora"

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self._layers: dict[str, Any] = {}  # kohya name -> peft layer
        self._fuses = False

    @property
    def trains_text(self) -> bool:
        """Tell whether the text encoders have adapters too."""
        return self.config.train_text_encoder

    def install(self, components: Components) -> None:
        """Put adapters on the chosen layers; they change nothing before the first step."""
        torch.manual_seed(randomness.torch_seed(self.config.seed, "adapter init"))
        self._fuses = components.compute == "fp32" and not self.config.network.dropout
        self._adapt(components.unet, unet_targets(components, self.config.network))
        if self.trains_text:
            for number, encoder in enumerate(components.text_encoders):
                prefix = components.architecture.text_prefixes[number]
                self._adapt(inner_text_model(encoder), text_targets(encoder, prefix, self.config))

    def _adapt(self, module: torch.nn.Module, targets: list[Target]) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        network = self.config.network
        alpha: Any = network.alpha  # peft's types say int, and it takes fractions
        inject_adapter_in_model(
            LoraConfig(
                r=network.dim,
                lora_alpha=alpha,
                lora_dropout=network.dropout,
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
            self._layers[target.name] = layer
        if self._fuses:
            fuse(module, [target.path for target in targets], ADAPTER)

    def set_training(self, *, training: bool) -> None:
        """Switch the adapters' dropout."""
        for layer in self._layers.values():
            layer.train(training)

    def named_parameters(self) -> dict[str, torch.nn.Parameter]:
        """Return both matrices of each layer under kohya's names."""
        found = {}
        for name, layer in self._layers.items():
            found[f"{name}.lora_down.weight"] = layer.lora_A[ADAPTER].weight
            found[f"{name}.lora_up.weight"] = layer.lora_B[ADAPTER].weight
        return found

    def param_groups(self) -> list[ParamGroup]:
        """Return the UNet's adapters, and those of the text encoders with their own rate."""
        parameters = self.named_parameters().items()
        groups = [ParamGroup("unet", [p for n, p in parameters if n.startswith("lora_unet_")])]
        text = [p for n, p in parameters if not n.startswith("lora_unet_")]
        if text:
            groups.append(ParamGroup("text_encoder", text, self.config.text_encoder_stop_fraction))
        return groups

    @torch.no_grad()
    def after_step(self) -> None:
        """Keep the norm of each adapter below the limit (scale weight norms)."""
        limit = self.config.network.max_norm
        if not limit:
            return
        for layer in self._layers.values():
            down, up = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight
            norm = (
                torch.linalg.matrix_norm(up.flatten(1) @ down.flatten(1)) * layer.scaling[ADAPTER]
            )
            factor = (limit / norm.clamp(min=1e-12)).clamp(max=1.0).sqrt()
            down.mul_(factor)
            up.mul_(factor)

    def export(self, path: Path, info: ExportInfo) -> None:
        """Write kohya's LoRA file: down, up and alpha of each layer."""
        dtype = saved_dtype(self.config)
        tensors = {}
        for name, layer in self._layers.items():
            tensors[f"{name}.alpha"] = torch.tensor(float(layer.lora_alpha[ADAPTER])).to(dtype)
            tensors[f"{name}.lora_down.weight"] = for_saving(layer.lora_A[ADAPTER].weight, dtype)
            tensors[f"{name}.lora_up.weight"] = for_saving(layer.lora_B[ADAPTER].weight, dtype)
        save_tensors(path, tensors, info.metadata)
