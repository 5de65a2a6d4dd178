"""LoRAs into checkpoints, into one another, out of checkpoints, and smaller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.factories.lora_files import random_lora
from training.engine.components import load_components
from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.machine.precision import choose, describe_machine
from training.engine.samples.applying import AppliedFile, applied
from training.engine.tools.lora_combine import combine_loras, resize_lora
from training.engine.tools.lora_files import WeightedLora
from training.engine.tools.lora_merge import ExtractOptions, extract_lora, merge_loras
from training.engine.tools.low_rank import RankChoice, factor_matrix, factor_product

pytestmark = pytest.mark.engine
WEIGHTS = (0.7, -0.4)


def pipeline(base: Path, checkpoint: Path) -> Any:
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline.from_single_file(
        checkpoint, config=str(base), local_files_only=True, safety_checker=None
    )


def prediction(pipe: Any) -> torch.Tensor:
    draws = torch.Generator().manual_seed(4)
    with torch.no_grad():
        ids = pipe.tokenizer("a red cat", return_tensors="pt", padding="max_length").input_ids
        text = pipe.text_encoder(ids)[0]
        latents = torch.randn(1, 4, 16, 16, generator=draws)
        return pipe.unet(latents, 500, encoder_hidden_states=text).sample


@pytest.fixture(scope="module")
def loras(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("loras")
    return [
        random_lora(checkpoint, folder / "one.safetensors", seed=1, rank=2, alpha=3.0),
        random_lora(checkpoint, folder / "two.safetensors", seed=2, rank=3, alpha=1.0),
    ]


@pytest.fixture(scope="module")
def together(base: Path, checkpoint: Path, loras: list[Path]) -> torch.Tensor:
    """What diffusers predicts with both files loaded at their weights."""
    pipe = pipeline(base, checkpoint)
    pipe.load_lora_weights(str(loras[0]), adapter_name="one")
    pipe.load_lora_weights(str(loras[1]), adapter_name="two")
    pipe.set_adapters(["one", "two"], list(WEIGHTS))
    return prediction(pipe)


def weighted(loras: list[Path]) -> list[WeightedLora]:
    return [WeightedLora(path, weight) for path, weight in zip(loras, WEIGHTS, strict=True)]


def test_diffusers_predicts_the_same_with_merged_loras_as_with_both_files_loaded(
    base: Path, checkpoint: Path, loras: list[Path], together: torch.Tensor, tmp_path: Path
) -> None:
    plain = prediction(pipeline(base, checkpoint))
    assert float((together - plain).abs().mean()) > 0.01
    path = merge_loras(checkpoint, weighted(loras), tmp_path / "m.safetensors").path
    merged = prediction(pipeline(base, path))
    torch.testing.assert_close(merged, together, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("choice", [None, RankChoice(64), RankChoice(64, energy=1.0)])
def test_diffusers_predicts_the_same_with_one_combined_lora(
    choice: RankChoice | None,
    base: Path,
    checkpoint: Path,
    loras: list[Path],
    together: torch.Tensor,
    tmp_path: Path,
) -> None:
    made = combine_loras(
        weighted(loras), tmp_path / "c.safetensors", choice=choice, dtype=torch.float32
    )
    assert max(made.ranks) == 5
    pipe = pipeline(base, checkpoint)
    pipe.load_lora_weights(str(made.saved.path))
    torch.testing.assert_close(prediction(pipe), together, rtol=1e-3, atol=1e-4)


def test_the_sdxl_names_of_both_text_encoders_and_of_the_unet_find_their_layers(
    xl_base: Path, xl_checkpoint: Path, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionXLPipeline

    from training.engine.tools.convert import ConvertOptions, convert_to_folder

    lora = random_lora(xl_checkpoint, tmp_path / "xl.safetensors", seed=3)
    names = {name.split(".")[0] for name in load_file(lora)}
    assert "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q" in names
    assert "lora_te1_text_model_encoder_layers_0_self_attn_q_proj" in names
    assert "lora_te2_text_model_encoder_layers_9_mlp_fc1" in names
    merged = merge_loras(xl_checkpoint, [WeightedLora(lora, 0.5)], tmp_path / "m.safetensors")
    folder = convert_to_folder(merged.path, tmp_path / "f", ConvertOptions(), config=xl_base).path
    baked = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True)
    pipe = StableDiffusionXLPipeline.from_pretrained(xl_base, local_files_only=True)
    pipe.load_lora_weights(str(lora), adapter_name="x")
    pipe.set_adapters(["x"], [0.5])
    pipe.fuse_lora()
    pipe.unload_lora_weights()
    for part in ("text_encoder", "text_encoder_2"):
        ours, theirs = (getattr(p, part).state_dict() for p in (baked, pipe))
        for name, tensor in theirs.items():
            torch.testing.assert_close(ours[name], tensor, rtol=1e-4, atol=1e-5)
    unet = pipe.unet.state_dict()
    for name, tensor in baked.unet.state_dict().items():
        torch.testing.assert_close(unet[name], tensor, rtol=1e-4, atol=1e-5)


def test_extraction_at_full_rank_gives_the_tuned_model_back(
    base: Path, checkpoint: Path, other_checkpoint: Path, tmp_path: Path
) -> None:
    lora = random_lora(checkpoint, tmp_path / "l.safetensors", seed=8)
    tuned = merge_loras(checkpoint, [WeightedLora(lora, 1.0)], tmp_path / "t.safetensors").path
    options = ExtractOptions(RankChoice(64), RankChoice(256), dtype=torch.float32)
    made = extract_lora(tuned, checkpoint, tmp_path / "e.safetensors", options)
    assert made.least_kept == pytest.approx(1.0)
    assert load_file(made.saved.path).keys() == load_file(lora).keys()
    pipe = pipeline(base, checkpoint)
    pipe.load_lora_weights(str(made.saved.path))
    expected = prediction(pipeline(base, tuned))
    torch.testing.assert_close(prediction(pipe), expected, rtol=1e-3, atol=1e-4)


def test_extraction_finds_the_true_rank_by_energy_and_leaves_out_what_did_not_change(
    checkpoint: Path, tmp_path: Path
) -> None:
    lora = random_lora(checkpoint, tmp_path / "l.safetensors", seed=8, rank=2)
    tensors = {n: t for n, t in load_file(lora).items() if n.startswith("lora_unet_")}
    save_file(tensors, lora)
    tuned = merge_loras(checkpoint, [WeightedLora(lora)], tmp_path / "t.safetensors").path
    choice = RankChoice(32, energy=0.9999)
    options = ExtractOptions(choice, choice, dtype=torch.float32)
    made = extract_lora(tuned, checkpoint, tmp_path / "e.safetensors", options)
    names = load_file(made.saved.path)
    assert made.ranks == (2,)
    assert not any(name.startswith("lora_te") for name in names)
    with safe_open(made.saved.path, "pt") as file:
        said = file.metadata()
    assert (said["ss_network_dim"], said["ss_network_alpha"]) == ("2", "2.0")
    assert said["ss_base_model_version"] == "atelier_tiny"
    only = extract_lora(
        tuned, checkpoint, tmp_path / "o.safetensors", ExtractOptions(choice, dtype=torch.float32)
    )
    assert not any("resnets" in name for name in load_file(only.saved.path))
    with pytest.raises(ConfigError, match="nothing to extract"):
        extract_lora(checkpoint, checkpoint, tmp_path / "n.safetensors", options)


def test_a_smaller_lora_is_the_best_of_its_rank_and_alpha_stays_the_same_share(
    loras: list[Path], tmp_path: Path
) -> None:
    made = resize_lora(loras[1], tmp_path / "s.safetensors", RankChoice(1), dtype=torch.float32)
    before, after = load_file(loras[1]), load_file(made.saved.path)
    name = "lora_unet_down_blocks_0_resnets_0_conv1"
    assert after[f"{name}.lora_down.weight"].shape == (1, 8, 3, 3)
    assert after[f"{name}.lora_up.weight"].shape == (8, 1, 1, 1)
    assert float(after[f"{name}.alpha"]) == pytest.approx(1 / 3)

    def change(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
        up, down = (tensors[f"{name}.lora_{side}.weight"].flatten(1) for side in ("up", "down"))
        return up @ down * (float(tensors[f"{name}.alpha"]) / len(down))

    full = change(before)
    singular = torch.linalg.svdvals(full)
    rest = torch.linalg.matrix_norm(full - change(after))
    assert float(rest) == pytest.approx(float(singular[1:].norm()), rel=1e-4)
    assert 0 < made.least_kept <= made.mean_kept < 1
    same = resize_lora(loras[1], tmp_path / "w.safetensors", RankChoice(99), dtype=torch.float32)
    torch.testing.assert_close(change(load_file(same.saved.path)), full)


def test_energy_keeps_as_many_directions_as_it_takes_and_no_more() -> None:
    draws = torch.Generator().manual_seed(0)
    left = torch.linalg.qr(torch.randn(12, 4, generator=draws, dtype=torch.float64)).Q
    right = torch.linalg.qr(torch.randn(9, 4, generator=draws, dtype=torch.float64)).Q
    singular = torch.tensor([4.0, 2.0, 1.0, 0.5], dtype=torch.float64)  # energies 16, 4, 1, 0.25
    matrix = left @ torch.diag(singular) @ right.T
    for energy, rank in ((0.5, 1), (0.75, 1), (0.76, 2), (0.95, 3), (1.0, 4)):
        factors = factor_matrix(matrix, RankChoice(9, energy))
        assert factors.rank == rank, energy
        assert factors.kept >= energy - 1e-6
        product = factor_product(left * singular, right.T, RankChoice(9, energy))
        torch.testing.assert_close(product.up @ product.down, factors.up @ factors.down)
    assert factor_matrix(matrix, RankChoice(2, 1.0)).rank == 2
    assert factor_matrix(torch.zeros(3, 3), RankChoice(2, 0.9)).kept == 1.0


def test_numbers_that_are_not_finite_are_refused(
    checkpoint: Path, loras: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.safetensors"
    tensors = load_file(loras[0])
    name = next(name for name in tensors if name.endswith("lora_up.weight"))
    save_file({**tensors, name: tensors[name] * float("nan")}, broken)
    with pytest.raises(ConfigError, match="NaN"):
        resize_lora(broken, tmp_path / "x.safetensors", RankChoice(1))
    merge_loras(checkpoint, [WeightedLora(broken)], tmp_path / "m.safetensors")
    with pytest.raises(ConfigError, match="NaN"):
        extract_lora(
            tmp_path / "m.safetensors",
            checkpoint,
            tmp_path / "x.safetensors",
            ExtractOptions(RankChoice(1), RankChoice(1)),
        )


def test_the_recipe_of_a_merged_checkpoint_names_its_loras(
    checkpoint: Path, loras: list[Path], tmp_path: Path
) -> None:
    import hashlib

    path = merge_loras(checkpoint, weighted(loras), tmp_path / "m.safetensors").path
    with safe_open(path, "pt") as file:
        said = file.metadata()
    assert json.loads(said["sd_merge_recipe"])["loras"] == [
        {
            "name": lora.stem,
            "sha256": hashlib.sha256(lora.read_bytes()).hexdigest(),
            "weight": weight,
        }
        for lora, weight in zip(loras, WEIGHTS, strict=True)
    ]
    assert len(json.loads(said["sd_merge_models"])) == 3


def test_files_that_do_not_fit_are_refused_in_words(
    checkpoint: Path, xl_checkpoint: Path, tmp_path: Path
) -> None:
    lora = random_lora(xl_checkpoint, tmp_path / "xl.safetensors", seed=3)
    out = tmp_path / "out.safetensors"
    with pytest.raises(ConfigError, match="another kind of base model"):
        merge_loras(checkpoint, [WeightedLora(lora)], out)
    with pytest.raises(ConfigError, match="not a LoRA"):
        merge_loras(checkpoint, [WeightedLora(checkpoint)], out)
    name = "lora_unet_down_blocks_0_attentions_0_proj_in"
    hada = {f"{name}.hada_w{n}_{s}": torch.ones(2, 2) for n in (1, 2) for s in "ab"}
    save_file(hada, tmp_path / "loha.safetensors")
    with pytest.raises(ConfigError, match="extract a LoRA"):
        combine_loras([WeightedLora(tmp_path / "loha.safetensors")], out)
    with pytest.raises(ConfigError, match="at least one"):
        combine_loras([], out)
    assert not out.exists()


def test_norms_and_biases_that_a_file_changes_are_changed_when_merged_and_when_applied(
    base: Path, checkpoint: Path, tmp_path: Path
) -> None:
    layer, block = "lora_unet_down_blocks_0_resnets_0", "input_blocks.1.0.in_layers"
    names = {  # in a file, and in a checkpoint
        f"{layer}_norm1": ("w_norm", "b_norm", f"{block}.0"),
        f"{layer}_conv1": ("diff", "diff_b", f"{block}.2"),
    }
    before, file = load_file(checkpoint), tmp_path / "norms.safetensors"
    changes = {}
    for name, (weight, bias, place) in names.items():
        for part, kind in ((weight, "weight"), (bias, "bias")):
            shape = before[f"model.diffusion_model.{place}.{kind}"].shape
            changes[f"{name}.{part}"] = torch.full(shape, 0.25)
    save_file(changes, file)
    merged = merge_loras(checkpoint, [WeightedLora(file, 2.0)], tmp_path / "merged.safetensors")
    after = load_file(merged.path)
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert changed == {
        f"model.diffusion_model.{place}.{kind}"
        for _, _, place in names.values()
        for kind in ("weight", "bias")
    }
    for name in changed:
        torch.testing.assert_close(after[name], before[name] + 0.5)
    precision = choose(describe_machine(measure_bf16=False))
    config = TrainConfig.parse({"base_model": {"path": str(base)}})
    components = load_components(config, precision)
    resnet: Any = components.unet.get_submodule("down_blocks.0.resnets.0")
    with applied(components, [AppliedFile(file, 2.0)]):
        found = resnet.norm1.bias.clone(), resnet.conv1.bias.clone()
    for tensor, place in zip(found, ("in_layers.0", "in_layers.2"), strict=True):
        wanted = before[f"model.diffusion_model.input_blocks.1.0.{place}.bias"] + 0.5
        torch.testing.assert_close(tensor, wanted.float())
