"""LoRAs of peft, diffusers and ComfyUI act as the same LoRA in kohya's form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from training.engine.adapter_change import weight_change
from training.engine.errors import ConfigError
from training.engine.files.adapter_files import open_adapter
from training.engine.files.adapter_names import parse_name
from training.engine.samples.applying import AppliedFile, kind_of_file
from training.engine.tools.lora_combine import resize_lora
from training.engine.tools.lora_files import open_lora
from training.engine.tools.low_rank import RankChoice

pytestmark = pytest.mark.engine
ATTENTION = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
TEXT = "encoder.layers.0.self_attn.q_proj"
KOHYA_ATTENTION = "lora_unet_" + ATTENTION.replace(".", "_")
KOHYA_TEXT = "lora_te_text_model_" + TEXT.replace(".", "_")
XL_ATTENTION = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"

# Of each tool: the names of a layer of the UNet and of one of the text encoder, down and up.
FORMS = {
    "peft in a pipeline": (
        (f"unet.{ATTENTION}.lora_A.weight", f"unet.{ATTENTION}.lora_B.weight"),
        (f"text_encoder.{TEXT}.lora_A.weight", f"text_encoder.{TEXT}.lora_B.weight"),
    ),
    "diffusers": (
        (f"unet.{ATTENTION}.lora.down.weight", f"unet.{ATTENTION}.lora.up.weight"),
        tuple(
            f"text_encoder.text_model.{TEXT}.lora_linear_layer.{side}.weight"
            for side in ("down", "up")
        ),
    ),
    "diffusers until 2023": (
        tuple(
            f"{ATTENTION.replace('.to_k', '.processor.to_k')}_lora.{side}.weight"
            for side in ("down", "up")
        ),
        tuple(
            f"text_encoder.text_model.{TEXT.replace('q_proj', 'to_q')}_lora.{side}.weight"
            for side in ("down", "up")
        ),
    ),
    "peft": (
        tuple(f"base_model.model.{ATTENTION}.lora_{side}.weight" for side in "AB"),
        tuple(f"base_model.model.text_model.{TEXT}.lora_{side}.default.weight" for side in "AB"),
    ),
    "ComfyUI": (
        tuple(f"diffusion_model.{ATTENTION}.lora_{side}.weight" for side in ("down", "up")),
        tuple(
            f"text_encoders.clip_l.transformer.text_model.{TEXT}.lora_{side}.weight"
            for side in ("down", "up")
        ),
    ),
}


def matrices(width: int = 6) -> list[torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, generator=draws) for shape in ((2, width), (8, 2), (2, 6), (8, 2))]


def written(path: Path, form: str, width: int = 6, **metadata: str) -> Path:
    names = [name for pair in FORMS[form] for name in pair]
    save_file(dict(zip(names, matrices(width), strict=True)), path, metadata or None)
    return path


def change(path: Path, layer: str) -> torch.Tensor:
    parts = open_adapter(path).parts(layer)
    return weight_change(parts, torch.zeros(8, parts["lora_down.weight"].shape[1]))


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_a_lora_of_the_same_layers_and_changes(form: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.safetensors", form)
    assert kind_of_file(path) == "lora"
    assert set(open_lora(path).layers) == {KOHYA_ATTENTION, KOHYA_TEXT}
    down, up, text_down, text_up = matrices()
    torch.testing.assert_close(change(path, KOHYA_ATTENTION), up @ down)
    torch.testing.assert_close(change(path, KOHYA_TEXT), text_up @ text_down)
    assert AppliedFile(path, 1.0, 0.5).weight_on(KOHYA_TEXT) == 0.5
    smaller = resize_lora(path, tmp_path / "s.safetensors", RankChoice(9), dtype=torch.float32)
    torch.testing.assert_close(change(smaller.saved.path, KOHYA_ATTENTION), up @ down)


@pytest.mark.parametrize(
    ("settings", "attention", "text"),
    [
        ({"unet.lora_alpha": 3, "text_encoder.lora_alpha": 1}, 3 / 2, 1 / 2),
        ({"unet.lora_alpha": 3, "unet.alpha_pattern": {"attn2.to_k": 5.0}}, 5 / 2, 1),
        ({"unet.lora_alpha": 3, "unet.alpha_pattern": {"attn2.to_q": 5.0}}, 3 / 2, 1),
        ({"unet.lora_alpha": 3, "unet.use_rslora": True}, 3 / 2**0.5, 1),
    ],
)
def test_alphas_are_those_of_diffusers_settings_in_the_header(
    settings: dict[str, object], attention: float, text: float, tmp_path: Path
) -> None:
    stored = json.dumps(settings)
    path = written(tmp_path / "x.safetensors", "diffusers", lora_adapter_metadata=stored)
    down, up, text_down, text_up = matrices()
    torch.testing.assert_close(change(path, KOHYA_ATTENTION), attention * up @ down)
    torch.testing.assert_close(change(path, KOHYA_TEXT), text * text_up @ text_down)


def test_alphas_of_peft_lie_beside_its_file_and_are_of_no_other_file_there(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"r": 2, "lora_alpha": 8}', encoding="utf-8")
    down, up, *_ = matrices()
    own = written(tmp_path / "adapter_model.safetensors", "peft")
    torch.testing.assert_close(change(own, KOHYA_ATTENTION), 4 * up @ down)
    other = written(tmp_path / "other.safetensors", "diffusers")
    torch.testing.assert_close(change(other, KOHYA_ATTENTION), up @ down)
    (tmp_path / "adapter_config.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(ConfigError, match="settings of adapter_model"):
        open_adapter(own)


def test_an_alpha_in_the_file_comes_before_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    names = dict(zip(FORMS["diffusers"][0], matrices(), strict=False))
    alpha = {f"unet.{ATTENTION}.alpha": torch.tensor(1.0)}
    save_file({**names, **alpha}, path, {"lora_adapter_metadata": '{"unet.lora_alpha": 7}'})
    down, up, *_ = matrices()
    torch.testing.assert_close(change(path, KOHYA_ATTENTION), up @ down / 2)


def test_a_file_of_sdxl_has_the_names_that_kohya_gives_its_layers(tmp_path: Path) -> None:
    path = written(tmp_path / "x.safetensors", "diffusers", width=2048)
    text = KOHYA_TEXT.replace("lora_te_", "lora_te1_")
    assert set(open_adapter(path).layers) == {XL_ATTENTION, text}
    second = parse_name(f"text_encoder_2.{TEXT}.lora_A.weight")
    assert second is not None
    assert second.layer(xl=True) == KOHYA_TEXT.replace("lora_te_", "lora_te2_")


def test_the_magnitudes_of_pefts_dora_are_the_lengths_of_rows(tmp_path: Path) -> None:
    names, (down, up, *_) = FORMS["peft in a pipeline"][0], matrices(8)  # a square layer
    path, length = tmp_path / "x.safetensors", torch.rand(8) + 1
    magnitude = {f"unet.{ATTENTION}.lora_magnitude_vector": length}
    save_file({names[0]: down, names[1]: up, **magnitude}, path)
    base = torch.randn(8, 8, generator=torch.Generator().manual_seed(1))
    found = base + weight_change(open_adapter(path).parts(KOHYA_ATTENTION), base)
    torch.testing.assert_close(found.norm(dim=1), length)


def test_kohyas_oft_names_the_same_layers(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    oft = KOHYA_ATTENTION.replace("lora_", "oft_", 1)
    save_file({f"{oft}.oft_blocks": torch.zeros(4, 2, 2), f"{oft}.alpha": torch.tensor(1.0)}, path)
    assert kind_of_file(path) == "lora"
    assert set(open_lora(path).layers) == {KOHYA_ATTENTION}


def test_what_is_no_part_of_a_lora_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    names = dict(zip(FORMS["peft in a pipeline"][0], matrices(), strict=False))
    save_file({**names, f"unet.{ATTENTION}.lora_B.bias": torch.zeros(8)}, path)
    with pytest.raises(ConfigError, match=r"lora_B\.bias"):
        open_adapter(path)
