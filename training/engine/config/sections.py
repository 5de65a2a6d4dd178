"""The grouped settings inside a TrainConfig. Torch-free: forms, presets and the API read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

DimensionList = list[Annotated[int, Field(ge=1, le=4096)]]


def setting(
    default: Any, help_text: str, *, unit: str = "", choices: Sequence[str] = (), **limits: Any
) -> Any:
    """Return a pydantic field with its help sentence and, where it has them, unit and choices.

    `choices` are for those that no type names; they are told, and not checked.
    """
    told = {"unit": unit, "enum": list(choices)}
    extra: Any = {name: value for name, value in told.items() if value} or None
    if default is ...:
        return Field(..., description=help_text, json_schema_extra=extra, **limits)
    if isinstance(default, list | dict) or callable(default):
        factory = default if callable(default) else (lambda value=default: type(value)(value))
        return Field(
            default_factory=factory, description=help_text, json_schema_extra=extra, **limits
        )
    return Field(default, description=help_text, json_schema_extra=extra, **limits)


class Section(BaseModel):
    """A group of settings; unknown names and unfit values are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_for_figures(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false, which would count as 1 and 0, where a figure is meant."""
        if isinstance(value, bool):
            kind = cls.model_fields[str(info.field_name)].annotation
            if bool not in (get_args(kind) or (kind,)):
                raise ValueError(f"{info.field_name} is no setting that is true or false")
        return value


class BaseModelConfig(Section):
    """The model that training starts from."""

    path: str = setting("", "Folder in diffusers layout, or one .safetensors or .ckpt file.")
    sha256: str = setting("", "SHA-256 of the file, where known; spares hashing it again.")
    name: str = setting("", "Name written into the generation data and the metadata.")
    architecture: Literal["auto", "sd1", "sd2", "sdxl", "tiny"] = setting(
        "auto", "Family of the base model; auto reads it from the weights."
    )
    vae_path: str = setting("", "A separate VAE, as a folder or file; empty keeps the model's own.")
    prediction_type: Literal["auto", "epsilon", "v_prediction"] = setting(
        "auto", "What the base model predicts; auto reads its scheduler configuration."
    )


class CaptionConfig(Section):
    """How the caption of a picture becomes the text of a step."""

    trigger_word: str | None = setting(
        None, "Word put first in every caption; empty takes the data set's own."
    )
    trigger_place: Literal["first", "last"] = setting(
        "first",
        "Where the trigger word stands in a caption; last for models that read the style there, as "
        "the bundled one.",
    )
    keep_tokens: int = setting(
        0, "Number of tags at the start that are never shuffled or dropped.", ge=0, le=75
    )
    keep_separator: str = setting(
        "",
        "Mark in a caption, such as |||: tags before it are never shuffled or dropped, nor are "
        "those after a second one; empty is off.",
        max_length=8,
    )
    secondary_separator: str = setting(
        "",
        "Mark between tags that are shuffled and dropped as one, such as ;;;, a separator in the "
        "end; empty is off.",
        max_length=8,
    )
    prefix: str = setting(
        "", "Text before every caption, and part of its first tag as in kohya's.", max_length=300
    )
    suffix: str = setting(
        "", "Text behind every caption, and part of its last tag as in kohya's.", max_length=300
    )
    shuffle: bool = setting(default=False, help_text="Change the order of the tags in every step.")
    dropout: float = setting(
        0.0, "Share of steps in which a picture is shown without its caption.", ge=0, le=1
    )
    dropout_every_epochs: int = setting(
        0,
        "Show all pictures without captions in every so many epochs; 0 is off.",
        unit="epochs",
        ge=0,
        le=10000,
    )
    wildcards: bool = setting(
        default=False,
        help_text="Draw one of {red|blue} in each step, and one line of a caption of several; "
        "off takes all lines, as tags.",
    )
    emphasis: bool = setting(
        default=False,
        help_text="Read weights in captions, such as (word:1.2), as A1111's prompts have them.",
    )
    tag_dropout: float = setting(0.0, "Share of the tags left out in each step.", ge=0, le=1)
    tag_warmup_steps: int = setting(
        0,
        "Steps over which the tags of a caption come in, from the first to all of them; 0 is off.",
        unit="steps",
        ge=0,
        le=1_000_000,
    )
    tag_warmup_min: int = setting(
        1, "Tags, behind those that are kept, that the first of these steps shows.", ge=0, le=225
    )
    separator: str = setting(",", "Character between tags.", min_length=1, max_length=4)
    max_tokens: Literal[75, 150, 225] = setting(75, "Longest caption that is read.", unit="tokens")


class PriorConfig(Section):
    """Prior preservation: pictures of the class keep the base model from forgetting it."""

    enabled: bool = setting(
        default=False, help_text="Train on class pictures beside the pictures of the subject."
    )
    weight: float = setting(1.0, "Weight of the class pictures in the loss.", ge=0, le=10)
    images: int = setting(
        100, "Number of class pictures; missing ones are made with the base model.", ge=1, le=10000
    )
    prompts: list[str] = setting(
        [], "Prompts for the class pictures, in turn; empty takes the class prompt of the data set."
    )
    steps: int = setting(20, "Sampling steps for a class picture.", ge=1, le=150)
    guidance: float = setting(5.0, "Guidance scale for the class pictures.", ge=0, le=30)


class BucketConfig(Section):
    """Aspect-ratio buckets: pictures keep their shape instead of being cut to squares."""

    enabled: bool = setting(default=True, help_text="Train each picture near its own aspect ratio.")
    step: int = setting(
        64, "Sides of a bucket are multiples of this.", unit="px", ge=8, le=256, multiple_of=8
    )
    min_side: int | None = setting(
        None, "Shortest side of a bucket; empty is half the resolution.", unit="px", ge=32, le=2048
    )
    max_side: int | None = setting(
        None, "Longest side of a bucket; empty is twice the resolution.", unit="px", ge=64, le=4096
    )
    upscale: bool = setting(default=True, help_text="Enlarge pictures smaller than the resolution.")


class EmaConfig(Section):
    """A running average of the trained weights."""

    enabled: bool = setting(
        default=False, help_text="Save and show the running average instead of the last weights."
    )
    decay: float = setting(0.999, "Share of the average kept in each step.", ge=0, lt=1)
    keep: Literal["average", "both"] = setting(
        "average",
        "What a file holds: the average alone, or, for a checkpoint, the last weights with the "
        "average beside them.",
    )


class DreamBoothConfig(Section):
    """How a trained checkpoint is written."""

    pruned: bool = setting(
        default=False,
        help_text="Leave out what the base file holds beside UNet, VAE and text encoder.",
    )
    diffusers_folder: bool = setting(
        default=False, help_text="Write the last result as a folder in diffusers layout too."
    )


class TextualInversionConfig(Section):
    """A new word, learned as vectors, with the model left unchanged."""

    token: str = setting("", "Word to learn; empty takes the output name.", max_length=80)
    initial_text: str = setting("*", "Text whose meaning the vectors start from.", max_length=200)
    vectors: int = setting(4, "Number of vectors for the word.", ge=1, le=64)
    templates: (
        list[str] | Literal["subject", "style", "subject_captions", "style_captions", "captions"]
    ) = setting(
        "captions",
        "Sentences around the word: a named set, your own with [name] and [filewords], "
        "or the captions as they are.",
    )
    file_format: Literal["safetensors", "pt"] = setting(
        "safetensors", "Kind of file; pt is A1111's older one, for models with one text encoder."
    )
    negative: bool = setting(
        default=False,
        help_text="The word is meant for the negative prompt; samples have it there.",
    )
    preserve_norm: bool = setting(
        default=True, help_text="Keep the vectors as long as the model's own words are."
    )


class ValidationConfig(Section):
    """Pictures kept out of training, whose loss tells whether the run still learns or memorises."""

    share: float = setting(
        0.0,
        "Share of the pictures held out; pictures that the data set marks for it always are.",
        ge=0,
        le=0.5,
    )
    every_epochs: int = setting(
        1, "Measure every so many epochs; 0 is off.", unit="epochs", ge=0, le=10000
    )
    every_steps: int = setting(
        0, "Measure every so many steps too; 0 is off.", unit="steps", ge=0, le=1_000_000
    )
    draws: int = setting(4, "Noise levels at which each held-out picture is measured.", ge=1, le=64)
    seed: int = setting(
        0, "Decides which pictures are held out, and their noise.", ge=0, le=2**32 - 1
    )


# A1111's own names; the second half are torch's, which its page offers in lower case.
Activation = Literal[
    "linear", "relu", "leakyrelu", "elu", "swish", "tanh", "sigmoid",
    "gelu", "silu", "mish", "softsign", "softplus", "selu", "celu", "relu6", "hardswish",
    "hardtanh", "hardsigmoid", "logsigmoid", "tanhshrink", "softshrink", "hardshrink",
]  # fmt: skip


class HypernetworkConfig(Section):
    """Small networks on the context of every cross-attention, in A1111's form."""

    sizes: DimensionList = setting(
        [], "Context widths that get a network; empty takes all widths of the model."
    )
    layer_structure: list[float] = setting(
        [1.0, 2.0, 1.0],
        "Widths of the layers as multiples; the first and last are 1.",
        min_length=2,
        max_length=8,
    )
    activation: Activation = setting("swish", "Function after each layer but the last.")
    activate_output: bool = setting(
        default=False, help_text="Apply the function after the last layer too."
    )
    layer_norm: bool = setting(default=False, help_text="Normalise after each layer.")
    weight_init: Literal[
        "Normal", "KaimingUniform", "KaimingNormal", "XavierUniform", "XavierNormal"
    ] = setting("Normal", "How the first weights are drawn.")
    dropout: list[Annotated[float, Field(ge=0, lt=1)]] = setting(
        [], "Dropout after each layer, one figure a layer, first and last 0; empty is off."
    )


class AboutConfig(Section):
    """What the files say of themselves, for who finds them later (modelspec)."""

    title: str = setting("", "Title; empty takes the output name.", max_length=200)
    author: str = setting("", "Who made it.", max_length=200)
    description: str = setting("", "What it is for.", max_length=4000)
    license: str = setting("", "Its licence.", max_length=200)
    tags: str = setting("", "Tags, with commas between them.", max_length=1000)
    comment: str = setting("", "A note on this run (kohya's training comment).", max_length=4000)


class SamplingConfig(Section):
    """How sample pictures are made while training."""

    sampler: str = setting("DPM++ 2M", "Name of the sampler, as A1111 writes it.", max_length=40)
    steps: int = setting(20, "Sampling steps.", ge=1, le=150)
    guidance: float = setting(7.0, "Guidance scale (CFG).", ge=0, le=30)
    width: int | None = setting(
        None, "Width; empty means the training resolution.", unit="px", ge=64, le=2048
    )
    height: int | None = setting(
        None, "Height; empty means the training resolution.", unit="px", ge=64, le=2048
    )
    negative: str = setting("", "Negative prompt for lines that give none.")
    seed: int = setting(1, "Seed of the first sample; the next ones count up.", ge=0, le=2**32 - 1)
    at_start: bool = setting(
        default=False, help_text="Make the samples once before the first step too."
    )
    library: list[str] = setting(
        [],
        "Folders of the files that sample prompts name: <lora:name:0.7>, <hypernet:name:1>, "
        "embeddings by their names.",
    )
