"""DreamBooth: the UNet itself is trained, and the text encoders where asked.

The file is a single checkpoint in the original layout that every tool loads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch

from training.engine.checkpoint_layout import average_tensors, checkpoint_tensors
from training.engine.components import Components
from training.engine.files.lazy_tensors import save_tensors
from training.engine.method import ExportInfo, Method, saved_dtype
from training.engine.optimizers.optim import SECOND_TEXT, ParamGroup


class DreamBoothMethod(Method):
    """Trains all weights of the UNet; prior preservation is a matter of the data."""

    component: ClassVar[str] = ""
    changes_base: ClassVar[bool] = True
    spec: ClassVar[str | None] = ""

    @property
    def ends_with_folder(self) -> bool:
        """Tell whether one is asked for."""
        return self.config.dreambooth.diffusers_folder

    @property
    def trains_text(self) -> bool:
        """Tell whether the text encoders are trained too."""
        return self.config.train_text_encoder

    def install(self, components: Components) -> None:
        """Thaw what is trained; nothing is added."""
        self._components = components
        components.unet.requires_grad_(requires_grad=True)
        for encoder in self._trained_encoders().values():
            encoder.requires_grad_(requires_grad=True)

    def _trained_encoders(self) -> dict[int, torch.nn.Module]:
        encoders = enumerate(self._components.text_encoders)
        return {n: encoder for n, encoder in encoders if self.config.trains_text_encoder(n)}

    def named_parameters(self) -> dict[str, torch.nn.Parameter]:
        """Return the weights by the paths of the diffusers layout."""
        found = {f"unet.{name}": p for name, p in self._components.unet.named_parameters()}
        for number, encoder in self._trained_encoders().items():
            found |= {f"text_{number}.{n}": p for n, p in encoder.named_parameters()}
        return found

    def param_groups(self) -> list[ParamGroup]:
        """Return the UNet, and the text encoders with their own rate and end."""
        parameters = self.named_parameters().items()
        own_rate = self.config.text_encoder_2_learning_rate is not None
        by_name: dict[str, list[torch.nn.Parameter]] = {}
        for name, parameter in parameters:
            group = "unet" if name.startswith("unet.") else "text_encoder"
            if own_rate and name.startswith("text_1."):
                group = SECOND_TEXT
            by_name.setdefault(group, []).append(parameter)
        stop = self.config.text_encoder_stop_fraction
        return [
            ParamGroup(name, some, 1.0 if name == "unet" else stop)
            for name, some in by_name.items()
        ]

    def file_of_now(self, info: ExportInfo) -> Callable[[Path], None]:
        """Take the whole model as one file holds it; what is trained is copied."""
        base = Path(self.config.base_model.path)
        tensors = checkpoint_tensors(
            self._components, saved_dtype(self.config), base, pruned=self.config.dreambooth.pruned
        )
        unet: dict[str, torch.Tensor] = {}
        if info.average is not None:
            start = "unet."
            unet = {
                n.removeprefix(start): t for n, t in info.average.items() if n.startswith(start)
            }
            decay = self.config.ema.decay
            tensors |= average_tensors(self._components, unet, decay=decay, step=info.step)
        if info.copied:
            tensors = _apart_from([*self.named_parameters().values(), *unet.values()], tensors)
        return partial(save_tensors, tensors=tensors, metadata=info.metadata)


def _apart_from(
    live: list[torch.Tensor], tensors: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Return tensors of which none shares its memory with those that go on changing."""
    places = {tensor.untyped_storage().data_ptr() for tensor in live}
    return {
        name: tensor.clone() if tensor.untyped_storage().data_ptr() in places else tensor
        for name, tensor in tensors.items()
    }
