import io

import pytest

from hub.formats.model_kind import (
    BaseArchitecture,
    ModelKind,
    Precision,
    guess_architecture,
    guess_model,
    guess_model_kind,
)
from hub.formats.safetensors_header import SafetensorsHeader, read_header
from tests.factories.formats import lora_tensors, safetensors_bytes

UNET = "lora_unet_output_blocks_3_1_transformer_blocks_0_attn2_to_k"
SD1, SD2, SDXL = BaseArchitecture.SD1, BaseArchitecture.SD2, BaseArchitecture.SDXL
UNKNOWN = BaseArchitecture.UNKNOWN


def header(tensors, metadata=None) -> SafetensorsHeader:
    return read_header(io.BytesIO(safetensors_bytes(tensors, metadata)))


@pytest.mark.parametrize(
    ("tensors", "kind", "architecture"),
    [
        (lora_tensors(), ModelKind.LORA, SD1),
        (lora_tensors(context=1024), ModelKind.LORA, SD2),
        (lora_tensors(context=2048), ModelKind.LORA, SDXL),
        (lora_tensors(conv=True), ModelKind.LOCON, SD1),
        ({**lora_tensors(), f"{UNET}.dora_scale": ("F16", (1, 768))}, ModelKind.DORA, SD1),
        (
            {
                "unet.mid.attn2.to_k.lora_A.weight": ("F16", (4, 2048)),
                "unet.mid.attn2.to_k.lora_magnitude_vector": ("F16", (32,)),
            },
            ModelKind.DORA,
            SDXL,
        ),
        (
            {
                "a.lora_A.weight": ("F16", (4, 8)),
                "a.lora_magnitude_vector.default.weight": ("F16", (8,)),
            },
            ModelKind.DORA,
            UNKNOWN,
        ),
        (
            {"mid.attn2.processor.to_k_lora.down.weight": ("F16", (4, 768))},
            ModelKind.LORA,
            SD1,
        ),
        (
            {"text_encoder_2.a.q_proj.lora_linear_layer.down.weight": ("F16", (4, 1280))},
            ModelKind.LORA,
            SDXL,
        ),
        (
            {f"{UNET}.hada_w1_a": ("F16", (32, 4)), f"{UNET}.hada_w1_b": ("F16", (4, 768))},
            ModelKind.LOHA,
            SD1,
        ),
        (
            {f"{UNET}.lokr_w1": ("F16", (4, 8)), f"{UNET}.lokr_w2": ("F16", (8, 256))},
            ModelKind.LOKR,
            SDXL,
        ),
        (
            {
                f"{UNET}.lokr_w1_a": ("F16", (4, 2)),
                f"{UNET}.lokr_w1_b": ("F16", (2, 8)),
                f"{UNET}.lokr_w2_b": ("F16", (2, 96)),
            },
            ModelKind.LOKR,
            SD1,
        ),
        ({f"{UNET}.lokr_w1": ("F16", (4, 8))}, ModelKind.LOKR, UNKNOWN),
        ({"lora_te2_x.lora_down.weight": ("F16", (4, 1280))}, ModelKind.LORA, SDXL),
        ({"oft_unet_x.oft_blocks": ("F16", (4, 8, 8))}, ModelKind.LOCON, UNKNOWN),
        ({"lora_unet_x.diff": ("F16", (8, 8))}, ModelKind.LOCON, UNKNOWN),
        ({"emb_params": ("F32", (4, 768))}, ModelKind.TEXTUAL_INVERSION, SD1),
        ({"emp_params": ("F32", (4, 1024))}, ModelKind.TEXTUAL_INVERSION, SD2),
        ({"<cat>": ("F32", (2, 768))}, ModelKind.TEXTUAL_INVERSION, SD1),
        ({"<tiny>": ("F32", (2, 32))}, ModelKind.TEXTUAL_INVERSION, UNKNOWN),
        (
            {"clip_l": ("F32", (2, 768)), "clip_g": ("F32", (2, 1280))},
            ModelKind.TEXTUAL_INVERSION,
            SDXL,
        ),
        (
            {"768.k.linear.0.weight": ("F32", (2, 2)), "768.v.linear.0.bias": ("F32", (2,))},
            ModelKind.HYPERNETWORK,
            UNKNOWN,
        ),
        (
            {
                "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (
                    "F16",
                    (4, 768),
                ),
                "first_stage_model.encoder.down.0.weight": ("F16", (2, 2, 1, 1)),
            },
            ModelKind.CHECKPOINT,
            SD1,
        ),
        (
            {
                "model.diffusion_model.out.weight": ("F16", (2, 2, 1, 1)),
                "cond_stage_model.model.ln_final.weight": ("F16", (2,)),
            },
            ModelKind.CHECKPOINT,
            SD2,
        ),
        (
            {
                "model.diffusion_model.out.weight": ("F16", (2, 2, 1, 1)),
                "cond_stage_model.transformer.text_model.x": ("F16", (2,)),
            },
            ModelKind.CHECKPOINT,
            SD1,
        ),
        (
            {
                "model.diffusion_model.out.weight": ("F16", (2, 2, 1, 1)),
                "conditioner.embedders.1.model.ln_final.weight": ("F16", (2,)),
            },
            ModelKind.CHECKPOINT,
            SDXL,
        ),
        (
            {"encoder.down.0.w": ("F16", (2, 2, 1, 1)), "decoder.up.0.w": ("F16", (2, 2, 1, 1))},
            ModelKind.VAE,
            UNKNOWN,
        ),
        (
            {"control_model.a": ("F16", (2, 2, 1, 1)), "b": ("F16", (2,))},
            ModelKind.CONTROLNET,
            UNKNOWN,
        ),
        (
            {"double_blocks.0.w": ("F16", (2, 2, 1, 1)), "b": ("F16", (2,))},
            ModelKind.UNKNOWN,
            UNKNOWN,
        ),
        ({}, ModelKind.UNKNOWN, UNKNOWN),
    ],
)
def test_kinds_and_families_are_told_by_keys_and_shapes(tensors, kind, architecture):
    found = header(tensors)
    assert guess_model_kind(found) is kind
    assert guess_architecture(found) is architecture


@pytest.mark.parametrize(
    ("metadata", "architecture"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0"}, SDXL),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, SDXL),
        ({"ss_base_model_version": "sd_v2_v"}, SD2),
        ({"ss_v2": "True"}, SD2),
        ({"ss_base_model_version": "sd_v1"}, SD1),
        ({"modelspec.architecture": "stable-diffusion-v1"}, SD1),
        ({"ss_base_model_version": "other"}, UNKNOWN),
    ],
)
def test_the_statement_of_the_trainer_decides_where_shapes_do_not(metadata, architecture):
    assert guess_architecture(header(lora_tensors(context=32), metadata)) is architecture


def test_a_guess_tells_precision_rank_size_and_ema():
    found = guess_model(header(lora_tensors(rank=8)))
    assert found.precision is Precision.FP16
    assert found.rank == 8
    assert found.parameter_count == 8 * 768 + 32 * 8 + 1
    assert not found.has_ema
    tensors = {"model.diffusion_model.a": ("F32", (2, 2, 1)), "model_ema.a": ("F32", (2, 2, 1))}
    found = guess_model(header(tensors))
    assert found.has_ema
    assert found.rank is None
    assert found.precision is Precision.FP32


def test_the_precision_of_most_bytes_counts():
    found = header({"a": ("BF16", (10,)), "b": ("F32", (2,)), "ids": ("I64", (99,))})
    assert guess_model(found).precision is Precision.BF16
    assert guess_model(header({"ids": ("I64", (9,))})).precision is Precision.UNKNOWN
    assert guess_model(header({"w": ("F8_E4M3", (9,))})).precision is Precision.FP8
