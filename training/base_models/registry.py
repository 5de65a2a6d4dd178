"""The base-model architectures that load without a network. Free of torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

CONFIGS_ROOT: Final = Path(__file__).resolve().parent / "configs"

Prediction = Literal["epsilon", "v_prediction"]


@dataclass(frozen=True)
class TextEncoderSpec:
    """One text encoder of an architecture: folder names and what prompts need to know."""

    component: str
    tokenizer: str
    width: int
    layers: int
    pad_token: str


@dataclass(frozen=True)
class Architecture:
    """One architecture: its config folder and the names that the community's formats use.

    `kohya_version` is `ss_base_model_version`; `modelspec` is `modelspec.architecture`.
    """

    key: str
    label: str
    pipeline: Literal["StableDiffusionPipeline", "StableDiffusionXLPipeline"]
    prediction: Prediction
    native_pixels: int
    cross_attention_width: int
    text_encoders: tuple[TextEncoderSpec, ...]
    kohya_version: str
    modelspec: str

    @property
    def config_dir(self) -> Path:
        """Return the folder of JSON configs and tokenizers for `from_single_file(config=...)`."""
        return CONFIGS_ROOT / self.key


CLIP_L: Final = TextEncoderSpec("text_encoder", "tokenizer", 768, 12, "<|endoftext|>")
OPENCLIP_H: Final = TextEncoderSpec("text_encoder", "tokenizer", 1024, 23, "!")
OPENCLIP_G: Final = TextEncoderSpec("text_encoder_2", "tokenizer_2", 1280, 32, "!")

ARCHITECTURES: Final = (
    Architecture(
        key="sd15",
        label="Stable Diffusion 1.x",
        pipeline="StableDiffusionPipeline",
        prediction="epsilon",
        native_pixels=512,
        cross_attention_width=768,
        text_encoders=(CLIP_L,),
        kohya_version="sd_v1",
        modelspec="stable-diffusion-v1",
    ),
    Architecture(
        key="sd2",
        label="Stable Diffusion 2.x base (512 px)",
        pipeline="StableDiffusionPipeline",
        prediction="epsilon",
        native_pixels=512,
        cross_attention_width=1024,
        text_encoders=(OPENCLIP_H,),
        kohya_version="sd_v2",
        modelspec="stable-diffusion-v2-512",
    ),
    Architecture(
        key="sd2_v",
        label="Stable Diffusion 2.x (768 px, v-prediction)",
        pipeline="StableDiffusionPipeline",
        prediction="v_prediction",
        native_pixels=768,
        cross_attention_width=1024,
        text_encoders=(OPENCLIP_H,),
        kohya_version="sd_v2_v",
        modelspec="stable-diffusion-v2-768-v",
    ),
    Architecture(
        key="sdxl",
        label="Stable Diffusion XL",
        pipeline="StableDiffusionXLPipeline",
        prediction="epsilon",
        native_pixels=1024,
        cross_attention_width=2048,
        text_encoders=(CLIP_L, OPENCLIP_G),
        kohya_version="sdxl_base_v1-0",
        modelspec="stable-diffusion-xl-v1-base",
    ),
)


class UnknownArchitectureError(KeyError):
    """No architecture has this key."""


def find_architecture(key: str) -> Architecture:
    """Return the architecture of this key; raises UnknownArchitectureError."""
    for architecture in ARCHITECTURES:
        if architecture.key == key:
            return architecture
    raise UnknownArchitectureError(key)


def architectures_of_width(cross_attention_width: int) -> tuple[Architecture, ...]:
    """Return the architectures whose UNet takes text of this width; SD 2.x gives two."""
    return tuple(a for a in ARCHITECTURES if a.cross_attention_width == cross_attention_width)
