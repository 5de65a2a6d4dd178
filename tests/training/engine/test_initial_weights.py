"""A LoRA or an embedding that goes on from the file of another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.factories.engine import make_config
from training.engine.components import load_components
from training.engine.errors import ConfigError
from training.engine.machine.precision import Machine, choose
from training.engine.method import ExportInfo, Method
from training.engine.methods import make_method

pytestmark = pytest.mark.engine
LAYER = "lora_unet_down_blocks_0_attentions_0_proj_in"


def method_of(base: Path, manifest: Path, name: str = "lora", **changes: Any) -> Method:
    config = make_config(base, manifest, name, **changes).resolved()
    method = make_method(config)
    method.install(load_components(config, choose(Machine(cuda=False))))
    return method


@pytest.fixture(scope="module")
def lora(base: Path, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA of rank 4 and alpha 2 with random numbers, text encoder included."""
    method = method_of(base, manifest, train_text_encoder=True)
    draws = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in method.named_parameters().values():
            parameter.copy_(torch.randn(parameter.shape, generator=draws))
    path = tmp_path_factory.mktemp("first") / "first.safetensors"
    method.export(path, ExportInfo("first", 1))
    return path


def change(tensors: dict[str, torch.Tensor], layer: str) -> torch.Tensor:
    up, down = (tensors[f"{layer}.lora_{side}.weight"].flatten(1) for side in ("up", "down"))
    return up @ down * float(tensors[f"{layer}.alpha"]) / len(down)


def test_a_lora_acts_as_the_file_that_it_goes_on_from_whatever_its_alpha(
    base: Path, manifest: Path, lora: Path, tmp_path: Path
) -> None:
    shape = {"train_text_encoder": True, "network": {"dim": 4, "alpha": 4.0}}
    method = method_of(base, manifest, **shape)
    method.begin_with(lora)
    method.export(tmp_path / "next.safetensors", ExportInfo("next", 0))
    before, after = load_file(lora), load_file(tmp_path / "next.safetensors")
    assert before.keys() == after.keys()
    for layer in {name.split(".")[0] for name in before}:
        torch.testing.assert_close(change(after, layer), change(before, layer))
    assert float(after[f"{LAYER}.alpha"]) == 4.0


def test_a_file_of_other_layers_or_ranks_is_refused_in_words(
    base: Path, manifest: Path, lora: Path
) -> None:
    with pytest.raises(ConfigError, match=r"lora_te_text_model.* do not train"):
        method_of(base, manifest).begin_with(lora)
    other = method_of(base, manifest, train_text_encoder=True, network={"dim": 8, "alpha": 2.0})
    with pytest.raises(ConfigError, match="another kind or rank"):
        other.begin_with(lora)
    with pytest.raises(ConfigError, match="hypernetwork does not go on"):
        method_of(base, manifest, "hypernetwork").begin_with(lora)


def test_an_embedding_goes_on_from_one_with_as_many_vectors(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    vectors, path = torch.randn(2, 16), tmp_path / "word.safetensors"
    save_file({"emb_params": vectors}, path)
    method = method_of(base, manifest, "textual_inversion")
    method.begin_with(path)
    assert torch.equal(method.named_parameters()["emb_params"].detach(), vectors)
    save_file({"emb_params": vectors[:1].clone()}, path)
    with pytest.raises(ConfigError, match=r"textual_inversion\.vectors"):
        method.begin_with(path)
