"""What a training method is: what it adds to a base model, what it trains, what it writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch

from training.engine.components import Components
from training.engine.config.parsing import parsed
from training.engine.config.sections import Section
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError, StateError
from training.engine.optimizers.optim import ParamGroup


@dataclass(frozen=True)
class ExportInfo:
    """What goes into a file beside its tensors."""

    name: str  # file name without ending
    step: int
    metadata: dict[str, str] = field(default_factory=dict)
    average: dict[str, torch.Tensor] | None = None  # where the file holds it beside the weights
    copied: bool = True  # the weights move on before it is written; else large ones are not copied


class Method(ABC):
    """One way to train; the loop, the objective and the data are shared by all."""

    name: ClassVar[str]
    """What settings call it: the name of its file."""

    component: ClassVar[str]
    """What its samples are tagged with: lora, embedding or hypernetwork; "" for a whole checkpoint.

    Of any other, which prompts have no word for, samples name the base alone.
    """

    changes_base: ClassVar[bool] = False
    """Whether weights of the base itself change; else it is frozen, and kept for other runs."""

    spec: ClassVar[str | None] = None
    """What stands behind the base in `modelspec.architecture`; None leaves modelspec.* out."""

    has_diffusers_names: ClassVar[bool] = False
    """Whether layers of its files are called as in diffusers, for `modelspec.implementation`."""

    own_settings: ClassVar[type[Section] | None] = None
    """The schema of `method_settings`, for a method that TrainConfig has no table of."""

    def __init_subclass__(cls) -> None:
        """Name it after its file."""
        super().__init_subclass__()
        cls.name = cls.__module__.rpartition(".")[2]

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.settings = parsed(
            self.own_settings or Section, config.method_settings, table="method_settings"
        )

    @abstractmethod
    def install(self, components: Components) -> None:
        """Add what is trained to the base model; random beginnings come from the seed alone."""

    def begin_with(self, path: Path) -> None:
        """Go on from a file, before the first step; ConfigError where that cannot be."""
        raise ConfigError(
            f"The method {self.name} does not go on from {path.name}: of all methods LoRA and "
            "textual inversion do. Leave initial_weights empty; a checkpoint is a base model."
        )

    @abstractmethod
    def named_parameters(self) -> dict[str, torch.nn.Parameter]:
        """Return what is trained, under names that stay the same from run to run."""

    @abstractmethod
    def param_groups(self) -> list[ParamGroup]:
        """Return what is trained, in groups that share a learning rate."""

    @abstractmethod
    def file_of_now(self, info: ExportInfo) -> Callable[[Path], None]:
        """Copy what goes into a file, in the community's format, and return what writes it.

        The weights may move on before it is written, to a path that does not exist yet.
        """

    def export(self, path: Path, info: ExportInfo) -> None:
        """Write the result at once."""
        self.file_of_now(info)(path)

    @property
    def extension(self) -> str:
        """Return the ending of its files."""
        return ".safetensors"

    @property
    def new_word(self) -> str:
        """Return the word that texts get to know by it; "" where it teaches none of its own."""
        return ""

    @property
    def header(self) -> dict[str, Any]:
        """Return what the headers of its files say of it, beside what they say of every run."""
        return {}

    @property
    def ends_with_folder(self) -> bool:
        """Tell whether its last file, a checkpoint, is written as a diffusers folder too."""
        return False

    @property
    def trains_text(self) -> bool:
        """Tell whether text embeddings change from step to step."""
        return False

    def set_training(self, *, training: bool) -> None:  # noqa: B027 - most have no dropout
        """Switch between steps (dropout acts) and samples."""

    def before_step(self, step: int, total_steps: int) -> None:  # noqa: B027 - most need nothing
        """Prepare for a step counted from 0."""

    def after_step(self) -> None:  # noqa: B027 - most need nothing
        """Correct the weights after the optimizer moved them."""

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return everything needed to go on later."""
        return {name: p.detach() for name, p in self.named_parameters().items()}

    @torch.no_grad()
    def load_state_dict(self, tensors: dict[str, torch.Tensor]) -> None:
        """Put saved values in place; raises StateError where they belong to another run."""
        parameters = self.named_parameters()
        same = parameters.keys() == tensors.keys() and all(
            tensors[name].shape == p.shape for name, p in parameters.items()
        )
        if not same:
            raise StateError(
                "The saved state was made with other settings, so this run cannot go on from it. "
                "Start again in an empty folder, or set the settings back."
            )
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])


def saved_dtype(config: TrainConfig) -> torch.dtype:
    """Return the number format of the files."""
    formats = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
    return formats[config.save_precision]


def for_saving(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a copy of a tensor as files have it: on the CPU, contiguous, in a number format."""
    return tensor.detach().to(device="cpu", dtype=dtype, copy=True).contiguous()
