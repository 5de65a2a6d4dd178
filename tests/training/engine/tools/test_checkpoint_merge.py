"""Weighted sums and added differences of checkpoints, as A1111's merger makes them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from training.engine.errors import BaseModelError, ConfigError
from training.engine.tools.checkpoint_merge import MergeOptions, merge_checkpoints

pytestmark = pytest.mark.engine
CONV = "model.diffusion_model.input_blocks.0.0.weight"


def test_a_weighted_sum_lies_between_both_models(
    checkpoint: Path, other_checkpoint: Path, tmp_path: Path
) -> None:
    options = MergeOptions(multiplier=0.25)
    made = load_file(
        merge_checkpoints(checkpoint, other_checkpoint, tmp_path / "m.safetensors", options).path
    )
    a, b = load_file(checkpoint), load_file(other_checkpoint)
    assert made.keys() == a.keys()
    for name, tensor in made.items():
        torch.testing.assert_close(tensor, a[name] * 0.75 + b[name] * 0.25)


def test_an_added_difference_moves_a_by_what_b_learned_over_c(
    checkpoint: Path, other_checkpoint: Path, tmp_path: Path
) -> None:
    a, b = load_file(checkpoint), load_file(other_checkpoint)
    learned = tmp_path / "learned.safetensors"
    save_file({name: tensor + 0.5 for name, tensor in b.items()}, learned)
    options = MergeOptions("add_difference", 0.5)
    made = load_file(
        merge_checkpoints(
            checkpoint, learned, tmp_path / "m.safetensors", options, third=other_checkpoint
        ).path
    )
    for name, tensor in made.items():
        torch.testing.assert_close(tensor, a[name] + 0.25)


def test_diffusers_loads_a_merged_file_and_predicts_with_its_weights(
    base: Path, checkpoint: Path, other_checkpoint: Path, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionPipeline

    options = MergeOptions(multiplier=0.5, dtype=torch.float16)
    path = merge_checkpoints(checkpoint, other_checkpoint, tmp_path / "m.safetensors", options).path
    pipes = [
        StableDiffusionPipeline.from_single_file(
            file, config=str(base), local_files_only=True, safety_checker=None
        )
        for file in (path, checkpoint, other_checkpoint)
    ]
    merged, first, second = (pipe.unet.state_dict() for pipe in pipes)
    for name, tensor in merged.items():
        expected = ((first[name] + second[name]) / 2).half().float()
        torch.testing.assert_close(tensor.float(), expected, rtol=1e-3, atol=1e-4)


def test_what_b_lacks_and_what_is_no_model_stays_as_in_a(
    checkpoint: Path, other_checkpoint: Path, tmp_path: Path
) -> None:
    ids = "cond_stage_model.transformer.text_model.embeddings.position_ids"
    a = {**load_file(checkpoint), "betas": torch.ones(4), ids: torch.arange(77)}
    b = {**load_file(other_checkpoint), "betas": torch.zeros(4), ids: torch.zeros(77).long()}
    del b[CONV]
    b["model.diffusion_model.extra"] = torch.ones(1)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_file(a, first)
    save_file(b, second)
    made = load_file(
        merge_checkpoints(first, second, tmp_path / "m.safetensors", MergeOptions()).path
    )
    assert made.keys() == a.keys()
    for name in (CONV, "betas", ids):
        assert torch.equal(made[name], a[name]), name


def test_an_inpainting_model_takes_part_with_its_first_four_channels(
    checkpoint: Path, other_checkpoint: Path, tmp_path: Path
) -> None:
    a, b = load_file(checkpoint), load_file(other_checkpoint)
    wide = torch.cat([a[CONV], torch.randn(8, 5, 3, 3)], dim=1)
    special = tmp_path / "inpainting.safetensors"
    save_file({**a, CONV: wide}, special)
    target = tmp_path / "m.safetensors"
    made = load_file(merge_checkpoints(special, other_checkpoint, target, MergeOptions()).path)
    torch.testing.assert_close(made[CONV][:, :4], (wide[:, :4] + b[CONV]) / 2)
    assert torch.equal(made[CONV][:, 4:], wide[:, 4:])
    made = load_file(
        merge_checkpoints(
            special,
            other_checkpoint,
            target,
            MergeOptions("add_difference", 1.0),
            third=checkpoint,
        ).path
    )
    torch.testing.assert_close(made[CONV][:, :4], b[CONV])
    with pytest.raises(ConfigError, match="as A"):
        merge_checkpoints(other_checkpoint, special, tmp_path / "x.safetensors", MergeOptions())
    assert not (tmp_path / "x.safetensors").exists()


def test_the_recipe_names_the_inputs_by_their_hashes_and_is_carried_on(
    checkpoint: Path, other_checkpoint: Path, tmp_path: Path
) -> None:
    def metadata(path: Path) -> dict[str, str]:
        with safe_open(path, "pt") as file:
            return dict(file.metadata())

    hashes = [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (checkpoint, other_checkpoint)
    ]
    options = MergeOptions(multiplier=0.3)
    once = merge_checkpoints(checkpoint, other_checkpoint, tmp_path / "m.safetensors", options)
    said = metadata(once.path)
    recipe = json.loads(said["sd_merge_recipe"])
    assert [recipe["primary_model_hash"], recipe["secondary_model_hash"]] == hashes
    assert (recipe["multiplier"], recipe["interp_method"]) == (0.3, "Weighted sum")
    assert list(json.loads(said["sd_merge_models"])) == hashes
    assert said["modelspec.title"] == "m"
    again = merge_checkpoints(once.path, other_checkpoint, tmp_path / "n.safetensors", options)
    models = json.loads(metadata(again.path)["sd_merge_models"])
    of_once = hashlib.sha256(once.path.read_bytes()).hexdigest()
    assert set(models) == {*hashes, of_once}
    assert models[of_once]["sd_merge_recipe"] == recipe
    first = once.path.read_bytes()
    merge_checkpoints(checkpoint, other_checkpoint, once.path, options)
    assert once.path.read_bytes() == first


def test_models_that_do_not_fit_are_refused_in_words(
    checkpoint: Path, other_checkpoint: Path, xl_checkpoint: Path, tmp_path: Path
) -> None:
    target = tmp_path / "x.safetensors"
    with pytest.raises(ConfigError, match="different families"):
        merge_checkpoints(checkpoint, xl_checkpoint, target, MergeOptions())
    with pytest.raises(ConfigError, match="takes three models"):
        merge_checkpoints(checkpoint, other_checkpoint, target, MergeOptions("add_difference", 1.0))
    tensors = load_file(other_checkpoint)
    save_file({**tensors, CONV: torch.ones(16, 4, 3, 3)}, tmp_path / "wide.safetensors")
    with pytest.raises(BaseModelError, match="input_blocks"):
        merge_checkpoints(checkpoint, tmp_path / "wide.safetensors", target, MergeOptions())
    assert not target.exists()


def test_only_one_tensor_of_each_model_is_in_memory_at_a_time(
    checkpoint: Path, other_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import weakref

    from training.engine.files import lazy_tensors

    alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()
    most = 0
    stored = lazy_tensors._stored

    def counted(file: object, name: str) -> lazy_tensors.LazyTensor:
        plain = stored(file, name)

        def read() -> torch.Tensor:
            nonlocal most
            tensor = plain.read()
            alive.add(tensor)
            most = max(most, len(alive))
            return tensor

        return lazy_tensors.LazyTensor(plain.dtype, plain.shape, read)

    monkeypatch.setattr(lazy_tensors, "_stored", counted)
    merge_checkpoints(checkpoint, other_checkpoint, tmp_path / "m.safetensors", MergeOptions())
    assert 0 < most <= 3
