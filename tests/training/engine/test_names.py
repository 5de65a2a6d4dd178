"""Names of layers in the original layout, against those of the published SD 1.5 and SDXL files."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from training.engine.architectures import family_of_width
from training.engine.files.unet_names import ldm_module_path

SD1 = SimpleNamespace(
    layers_per_block=2,
    up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
)
SDXL = SimpleNamespace(
    layers_per_block=2,
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
)


@pytest.mark.parametrize(
    ("config", "ours", "original"),
    [
        (SD1, "conv_in", "input_blocks.0.0"),
        (SD1, "time_embedding.linear_2", "time_embed.2"),
        (SD1, "down_blocks.0.resnets.0.conv1", "input_blocks.1.0.in_layers.2"),
        (SD1, "down_blocks.0.attentions.0.proj_in", "input_blocks.1.1.proj_in"),
        (SD1, "down_blocks.0.downsamplers.0.conv", "input_blocks.3.0.op"),
        (SD1, "down_blocks.1.resnets.0.conv_shortcut", "input_blocks.4.0.skip_connection"),
        (SD1, "down_blocks.3.resnets.1.norm2", "input_blocks.11.0.out_layers.0"),
        (SD1, "mid_block.resnets.0.time_emb_proj", "middle_block.0.emb_layers.1"),
        (SD1, "mid_block.attentions.0.norm", "middle_block.1.norm"),
        (SD1, "mid_block.resnets.1.conv2", "middle_block.2.out_layers.3"),
        (SD1, "up_blocks.0.upsamplers.0.conv", "output_blocks.2.1.conv"),
        (SD1, "up_blocks.1.upsamplers.0.conv", "output_blocks.5.2.conv"),
        (
            SD1,
            "up_blocks.3.attentions.2.transformer_blocks.0.attn2.to_out.0",
            "output_blocks.11.1.transformer_blocks.0.attn2.to_out.0",
        ),
        (SD1, "conv_norm_out", "out.0"),
        (SD1, "conv_out", "out.2"),
        (SDXL, "add_embedding.linear_1", "label_emb.0.0"),
        (SDXL, "down_blocks.1.attentions.0.proj_out", "input_blocks.4.1.proj_out"),
        (SDXL, "down_blocks.2.attentions.1.norm", "input_blocks.8.1.norm"),
        (SDXL, "up_blocks.0.attentions.0.proj_in", "output_blocks.0.1.proj_in"),
        (SDXL, "up_blocks.0.upsamplers.0.conv", "output_blocks.2.2.conv"),
        (SDXL, "up_blocks.2.resnets.2.conv1", "output_blocks.8.0.in_layers.2"),
    ],
)
def test_a_layer_has_the_name_of_the_original(
    config: SimpleNamespace, ours: str, original: str
) -> None:
    assert ldm_module_path(ours, config) == original


def test_a_part_without_a_place_in_the_original_is_refused() -> None:
    with pytest.raises(KeyError):
        ldm_module_path("controlnet.conv_in", SD1)


def test_the_width_of_the_context_tells_the_family() -> None:
    assert [family_of_width(width) for width in (768, 1024, 2048, 128)] == [
        *("sd1", "sd2", "sdxl", "tiny")
    ]
