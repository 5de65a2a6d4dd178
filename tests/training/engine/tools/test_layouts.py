"""Layouts that real files come in: SD 2's text encoder, older VAEs, weights in several files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.factories.lora_files import random_lora
from training.engine.files.checkpoint_names import family_of, layer_places
from training.engine.files.lazy_tensors import open_tensors
from training.engine.tools.convert import ConvertOptions, convert_to_file
from training.engine.tools.lora_files import WeightedLora
from training.engine.tools.lora_merge import ExtractOptions, extract_lora, merge_loras
from training.engine.tools.low_rank import RankChoice

pytestmark = pytest.mark.engine
SECOND = "conditioner.embedders.1.model."
TEXT = "cond_stage_model.model."


@pytest.fixture(scope="module")
def sd2(xl_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with the text encoder of SD 2: OpenCLIP's names under its own prefix."""
    tensors = {
        name.replace(SECOND, TEXT): tensor
        for name, tensor in load_file(xl_checkpoint).items()
        if "embedders.0" not in name
    }
    path = tmp_path_factory.mktemp("sd2") / "second.safetensors"
    save_file(tensors, path)
    return path


def test_a_lora_for_sd2_changes_its_third_of_the_matrix_of_q_k_and_v(
    sd2: Path, tmp_path: Path
) -> None:
    assert family_of(open_tensors(sd2).tensors) == "sd2"
    lora = random_lora(sd2, tmp_path / "l.safetensors", seed=4)
    name = "lora_te_text_model_encoder_layers_3_self_attn_k_proj"
    kept = {n: t for n, t in load_file(lora).items() if n.startswith(name)}
    assert len(kept) == 3
    save_file(kept, lora)
    merged = load_file(merge_loras(sd2, [WeightedLora(lora)], tmp_path / "m.safetensors").path)
    before = load_file(sd2)
    key = f"{TEXT}transformer.resblocks.3.attn.in_proj_weight"
    changed = {n for n, tensor in merged.items() if not torch.equal(tensor, before[n])}
    assert changed == {key}
    third = len(before[key]) // 3
    change = (merged[key] - before[key]).split(third)
    expected = kept[f"{name}.lora_up.weight"] @ kept[f"{name}.lora_down.weight"] * 1.5
    torch.testing.assert_close(change[1], expected, rtol=1e-4, atol=1e-5)
    assert not change[0].any()
    assert not change[2].any()
    options = ExtractOptions(RankChoice(2), dtype=torch.float32)
    made = extract_lora(tmp_path / "m.safetensors", sd2, tmp_path / "e.safetensors", options)
    assert {n.split(".")[0] for n in load_file(made.saved.path)} == {name}


def test_sd1_and_sd2_layers_have_one_name_and_an_alias_each(sd2: Path, checkpoint: Path) -> None:
    for path in (sd2, checkpoint):
        places = layer_places(open_tensors(path).tensors)
        names = [name for place in places for name in (place.name, *place.aliases)]
        assert len(names) == len(set(names))
        assert all(place.name.startswith(("lora_unet_", "lora_te_")) for place in places)
        assert any(name.startswith("lora_te1_") for name in names)


def test_the_older_names_of_a_vaes_attention_are_read(
    base: Path, checkpoint: Path, tmp_path: Path
) -> None:
    older = shutil.copytree(base, tmp_path / "older")
    path = older / "vae" / "diffusion_pytorch_model.safetensors"
    renames = ((".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."))
    tensors = {}
    for name, tensor in load_file(path).items():
        for new, old in (*renames, (".to_out.0.", ".proj_attn.")):
            name = name.replace(new, old)
        tensors[name] = tensor
    assert any(".proj_attn." in name for name in tensors)
    save_file(tensors, path)
    made = load_file(convert_to_file(older, tmp_path / "x.safetensors", ConvertOptions()).path)
    expected = load_file(checkpoint)
    assert made.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in made.items())


def test_weights_in_several_files_are_one_model(
    base: Path, checkpoint: Path, tmp_path: Path
) -> None:
    split = shutil.copytree(base, tmp_path / "split")
    whole = split / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = sorted(load_file(whole).items())
    whole.unlink()
    weight_map = {}
    for number, part in enumerate((tensors[:30], tensors[30:])):
        name = f"diffusion_pytorch_model-{number + 1:05d}-of-00002.safetensors"
        save_file(dict(part), split / "unet" / name)
        weight_map |= {tensor: name for tensor, _ in part}
    index = split / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    made = load_file(convert_to_file(split, tmp_path / "x.safetensors", ConvertOptions()).path)
    expected = load_file(checkpoint)
    assert all(torch.equal(tensor, made[name]) for name, tensor in expected.items())


def test_a_small_model_is_not_called_by_the_name_of_a_large_one(
    checkpoint: Path, velocity_base: Path, tmp_path: Path
) -> None:
    with safe_open(checkpoint, "pt") as file:
        said = file.metadata()
    assert said["modelspec.architecture"] == "atelier-tiny"
    assert said["modelspec.prediction_type"] == "epsilon"
    path = convert_to_file(velocity_base, tmp_path / "v.safetensors", ConvertOptions()).path
    with safe_open(path, "pt") as file:
        assert file.metadata()["modelspec.prediction_type"] == "v"
