"""The configs that load SD 1.x, SD 2.x and SDXL files without a network."""

import warnings

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from training.base_models.registry import (
    ARCHITECTURES,
    Architecture,
    UnknownArchitectureError,
    architectures_of_width,
    find_architecture,
)

pytestmark = pytest.mark.engine

# parameters of the public models; a wrong number in a config changes them
UNET = {"sd15": 859_520_964, "sd2": 865_910_724, "sd2_v": 865_910_724, "sdxl": 2_567_463_684}
VAE = 83_653_863
TEXT = {768: 123_060_480, 1024: 340_387_840, 1280: 694_659_840}

each_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda a: a.key)


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@each_architecture
def test_the_unet_and_the_autoencoder_have_the_size_of_the_public_model(
    architecture: Architecture,
) -> None:
    folder = architecture.config_dir
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder / "unet"))
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(folder / "vae"))
    assert parameters(unet) == UNET[architecture.key]
    assert parameters(vae) == VAE
    assert unet.config.cross_attention_dim == architecture.cross_attention_width


@each_architecture
def test_the_text_encoders_have_the_size_of_the_public_model(architecture: Architecture) -> None:
    for spec in architecture.text_encoders:
        config = CLIPTextConfig.from_pretrained(architecture.config_dir / spec.component)
        projected = config.architectures == ["CLIPTextModelWithProjection"]
        with torch.device("meta"):
            model = (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)
        assert parameters(model) == TEXT[spec.width]
        assert config.num_hidden_layers == spec.layers


@each_architecture
def test_the_tokenizers_pad_as_the_public_models_do(architecture: Architecture) -> None:
    for spec in architecture.text_encoders:
        tokenizer = CLIPTokenizer.from_pretrained(architecture.config_dir / spec.tokenizer)
        ids = tokenizer("a cat", padding="max_length").input_ids
        pad = 0 if spec.pad_token == "!" else 49407
        assert ids == [49406, 320, 2368, 49407, *[pad] * 73]


def test_architectures_are_found_by_key_and_by_text_width() -> None:
    assert find_architecture("sdxl").native_pixels == 1024
    assert [a.key for a in architectures_of_width(1024)] == ["sd2", "sd2_v"]
    assert architectures_of_width(128) == ()
    with pytest.raises(UnknownArchitectureError):
        find_architecture("flux")
