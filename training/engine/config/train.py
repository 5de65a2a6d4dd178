"""One schema of a training run for the TOML file, the API, the web form and the help text.

Torch-free. `TrainConfig.model_validate(dict)`, `.from_toml(path)`, `.to_toml()`, `.resolved()`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from training.engine.config.network import NetworkConfig
from training.engine.config.objective import ObjectiveSettings
from training.engine.config.output import OutputSettings
from training.engine.config.parsing import parsed
from training.engine.config.pictures import PictureSettings
from training.engine.config.sections import (
    AboutConfig,
    BaseModelConfig,
    BucketConfig,
    CaptionConfig,
    DreamBoothConfig,
    EmaConfig,
    HypernetworkConfig,
    PriorConfig,
    SamplingConfig,
    TextualInversionConfig,
    ValidationConfig,
    setting,
)
from training.engine.errors import ConfigError
from training.engine.method_names import USUAL, method_names
from training.engine.schedule import parse_rate_list
from training.engine.toml_text import toml_text

DEFAULT_EPOCHS = 10
FILE_NAME_PATTERN = r"^[^\x00-\x1f/\\:*?\"<>|.][^\x00-\x1f/\\:*?\"<>|]*$"


class TrainConfig(ObjectiveSettings, PictureSettings, OutputSettings):
    """Everything that decides the result of a training run."""

    method: str = setting(USUAL, "What is trained.", choices=method_names())
    method_settings: dict[str, Any] = setting(
        {}, "Settings of a method that has no table of its own among these; see its file."
    )
    output_name: str = setting(
        "untitled",
        "Name of the files that come out.",
        min_length=1,
        max_length=120,
        pattern=FILE_NAME_PATTERN,
    )
    base_model: BaseModelConfig = setting(BaseModelConfig, "The model that training starts from.")
    dataset_manifest: str = setting(
        "",
        "Path of the data set: its manifest, a JSON file, or a folder in kohya's layout, such as "
        "20_sks cat with pictures and captions.",
    )

    class_folder: str = setting(
        "",
        "Folder of class pictures for prior preservation, in kohya's layout; empty takes those of "
        "the data set alone.",
    )

    initial_weights: str = setting(
        "",
        "File that a LoRA or an embedding goes on from, of the same shape; empty begins anew.",
    )

    base_weights: list[str] = setting(
        [],
        "LoRAs that are put into the base model before anything is trained, which then begins from "
        "there and needs them again where it is used.",
    )
    base_weights_multipliers: list[Annotated[float, Field(ge=-10, le=10)]] = setting(
        [], "Their strengths, in the same order; 1 where none is given."
    )

    resolution: int = setting(
        512,
        "Side of a square picture; other shapes get the same area.",
        unit="px",
        ge=64,
        le=2048,
        multiple_of=8,
    )
    batch_size: int = setting(2, "Pictures in one pass.", ge=1, le=256)
    gradient_accumulation: int = setting(
        1,
        "Passes before the weights change; multiplies the batch without more memory.",
        unit="passes",
        ge=1,
        le=256,
    )
    epochs: int | None = setting(
        None, "Times that all pictures, with their repeats, are shown.", ge=1, le=10000
    )
    max_steps: int | None = setting(
        None,
        "Stop after this many steps, whatever the epochs say.",
        unit="steps",
        ge=1,
        le=10_000_000,
    )
    seed: int = setting(42, "The same seed and settings give the same file.", ge=0, le=2**63 - 1)

    learning_rate: float | str = setting(
        1e-4,
        "How far each step moves the weights; or A1111's list, such as 0.005:100, 1e-3:1000, which "
        "takes the place of a scheduler.",
    )
    train_text_encoder: bool = setting(default=False, help_text="Train the text encoder too.")
    text_encoder_learning_rate: float | None = setting(
        None,
        "Learning rate of the text encoder; empty means a tenth for LoRA, half otherwise.",
        gt=0,
        le=1,
    )
    text_encoder_2_learning_rate: float | None = setting(
        None,
        "Learning rate of SDXL's second text encoder; empty is that of the first, 0 lets it rest.",
        ge=0,
        le=1,
    )
    text_encoder_stop_fraction: float = setting(
        1.0, "Share of the run after which the text encoder stands still.", gt=0, le=1
    )
    optimizer: Literal["adamw", "adamw8bit", "adafactor", "lion", "prodigy", "sgd"] = setting(
        "adamw", "The rule that turns gradients into steps."
    )
    weight_decay: float = setting(0.01, "Pull of the weights towards zero.", ge=0, le=1)
    beta1: float = setting(0.9, "Memory of the gradient.", ge=0, lt=1)
    beta2: float = setting(0.999, "Memory of the gradient's size.", ge=0, lt=1)
    max_grad_norm: float = setting(1.0, "Limit for the gradient's norm; 0 is off.", ge=0, le=100)
    scheduler: Literal["constant", "linear", "cosine", "cosine_with_restarts", "polynomial"] = (
        setting("cosine", "How the learning rate changes over the run.")
    )
    warmup_steps: int = setting(
        0, "Steps in which the learning rate rises from zero.", unit="steps", ge=0, le=100_000
    )
    scheduler_cycles: int = setting(1, "Restarts of the cosine scheduler.", ge=1, le=100)
    scheduler_power: float = setting(1.0, "Power of the polynomial scheduler.", gt=0, le=10)
    min_learning_rate_ratio: float = setting(
        0.0, "Share of the learning rate that is left at the end.", ge=0, le=1
    )

    clip_skip: int = setting(
        1,
        "Last layer of the text encoder that is read, counted from the end; SDXL never reads the "
        "very last, so that 1 and 2 are the same for it.",
        ge=1,
        le=12,
    )

    device: Literal["auto", "cpu", "cuda"] = setting("auto", "Where to train.")
    mixed_precision: Literal["auto", "no", "fp16", "bf16"] = setting(
        "auto", "Number format of the passes; auto takes the fastest that is safe."
    )
    compile: bool = setting(
        default=False,
        help_text="Let torch compile the UNet: some minutes at the start, then quicker steps on a "
        "GPU.",
    )
    gradient_checkpointing: bool | None = setting(
        None, "Trade time for memory; empty decides by the memory at hand."
    )
    network: NetworkConfig = setting(NetworkConfig, "Shape of a LoRA.")
    captions: CaptionConfig = setting(CaptionConfig, "How captions are used.")
    buckets: BucketConfig = setting(BucketConfig, "Aspect-ratio buckets.")
    prior: PriorConfig = setting(PriorConfig, "Prior preservation.")
    ema: EmaConfig = setting(EmaConfig, "Running average of the weights.")
    sampling: SamplingConfig = setting(SamplingConfig, "How samples are made.")
    validation: ValidationConfig = setting(ValidationConfig, "The loss of held-out pictures.")
    dreambooth: DreamBoothConfig = setting(DreamBoothConfig, "How a checkpoint is written.")
    textual_inversion: TextualInversionConfig = setting(
        TextualInversionConfig, "The word to learn."
    )
    about: AboutConfig = setting(AboutConfig, "What the files say of themselves.")
    hypernetwork: HypernetworkConfig = setting(HypernetworkConfig, "Shape of a hypernetwork.")

    @field_validator("method")
    @classmethod
    def _check_method(cls, name: str) -> str:
        if name not in (known := method_names()):
            raise ValueError(f"method {name!r} is unknown. There are {', '.join(known)}.")
        return name

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        least, most = self.buckets.min_side, self.buckets.max_side
        if least is not None and most is not None and least > most:
            raise ValueError("buckets.min_side must not exceed buckets.max_side.")
        structure = self.hypernetwork.layer_structure
        if structure[0] != 1 or structure[-1] != 1:
            raise ValueError("hypernetwork.layer_structure must begin and end with 1.")
        dropout = self.hypernetwork.dropout
        if dropout and (len(dropout) != len(structure) or dropout[0] or dropout[-1]):
            raise ValueError(
                "hypernetwork.dropout needs one figure for each layer, the first and last 0."
            )
        if self.ema.keep == "both" and self.method != "dreambooth":
            raise ValueError("ema.keep = both is for the checkpoints of the method dreambooth.")
        if len(self.base_weights_multipliers) > len(self.base_weights):
            raise ValueError("base_weights_multipliers has more figures than base_weights files.")
        if self.base_weights and self.method == "dreambooth":
            raise ValueError(
                "base_weights is for what stands beside the base model. For the method dreambooth "
                "put the LoRA into the checkpoint first, by merge-lora."
            )
        if self.network.dim_from_weights and not self.initial_weights:
            raise ValueError(
                "network.dim_from_weights takes its ranks from the file of initial_weights, and "
                "none is named."
            )
        self._check_rate()
        return self

    def _check_rate(self) -> None:
        try:
            parse_rate_list(str(self.learning_rate))
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Read a TOML file; relative paths in it are meant from its folder.

        Raises ConfigError with every problem named.
        """
        try:
            data = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"The settings file {path} cannot be read: {error}") from error
        return cls.parse(data).with_paths_from(Path(path).resolve().parent)

    @classmethod
    def parse(cls, data: dict[str, Any]) -> Self:
        """Validate a dict; raises ConfigError in plain words instead of pydantic's own error."""
        return parsed(cls, data)

    def to_toml(self) -> str:
        """Return the settings as TOML text that from_toml reads back to an equal config."""
        return toml_text(self.model_dump(mode="json", exclude_none=True))

    def with_paths_from(self, folder: Path) -> Self:
        """Return a copy in which relative paths are absolute, counted from `folder`."""
        base = self.base_model.model_copy(
            update={
                name: str(folder / getattr(self.base_model, name))
                for name in ("path", "vae_path")
                if getattr(self.base_model, name)
            }
        )
        names = ("dataset_manifest", "class_folder", "initial_weights")
        paths: dict[str, Any]
        paths = {name: str(folder / getattr(self, name)) for name in names if getattr(self, name)}
        paths |= {"base_weights": [str(folder / path) for path in self.base_weights]}
        library = [str(folder / path) for path in self.sampling.library]
        sampling = self.sampling.model_copy(update={"library": library})
        return self.model_copy(update={"base_model": base, "sampling": sampling, **paths})

    def trains_text_encoder(self, number: int) -> bool:
        """Tell whether a text encoder is trained; `number` counts from 0."""
        rests = number == 1 and self.text_encoder_2_learning_rate == 0
        return self.train_text_encoder and not rests

    def resolved(self) -> Self:
        """Return a copy with every value filled in that follows from the others."""
        network = self.network
        alpha = network.alpha if network.alpha is not None else max(1.0, network.dim / 2)
        conv_alpha = network.conv_alpha
        if conv_alpha is None and network.conv_dim:
            conv_alpha = network.conv_dim * alpha / network.dim
        rate = self.text_encoder_learning_rate
        if rate is None and not isinstance(self.learning_rate, str):
            rate = self.learning_rate * (0.1 if self.method == "lora" else 0.5)
        inversion = self.textual_inversion
        listed = len(parse_rate_list(str(self.learning_rate)).parts) > 1
        return self.model_copy(
            update={
                "scheduler": "constant" if listed else self.scheduler,
                "network": network.model_copy(update={"alpha": alpha, "conv_alpha": conv_alpha}),
                "text_encoder_learning_rate": rate,
                "epochs": self.epochs
                if self.epochs is not None or self.max_steps is not None
                else DEFAULT_EPOCHS,
                "sampling": self.sampling.model_copy(
                    update={
                        "width": self.sampling.width or self.resolution,
                        "height": self.sampling.height or self.resolution,
                    }
                ),
                "textual_inversion": inversion.model_copy(
                    update={"token": inversion.token or self.output_name}
                ),
                "train_text_encoder": self.train_text_encoder
                and self.method not in ("textual_inversion", "hypernetwork"),
            }
        )
