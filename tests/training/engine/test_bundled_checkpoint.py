"""The bundled base as one file, which is how the demonstration publishes it."""

from pathlib import Path

import pytest

from training.base_models.tiny.location import tiny_base_dir
from training.engine.architectures import detect_family
from training.engine.cli import main

pytestmark = pytest.mark.engine


def test_a_checkpoint_without_attention_at_the_first_level_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "base.safetensors"
    arguments = ["convert", str(tiny_base_dir()), "--dtype", "fp16", "--out", str(path)]
    assert main(arguments) == 0
    assert detect_family(path) == "tiny"


def test_tensors_without_a_place_are_left_and_a_vae_that_is_missing_is_asked_for(
    tmp_path: Path,
) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    from training.engine.components import load_components
    from training.engine.config.train import TrainConfig
    from training.engine.errors import BaseModelError
    from training.engine.machine.precision import choose, describe_machine

    path = tmp_path / "base.safetensors"
    assert main(["convert", str(tiny_base_dir()), "--dtype", "fp16", "--out", str(path)]) == 0
    extra = (
        "model.diffusion_model.foo.bar",
        "cond_stage_model.transformer.text_projection.weight",  # ComfyUI writes it
        "control_model.foo",
    )
    tensors = {name: torch.zeros(2, 2) for name in extra} | load_file(path)
    save_file({n: t for n, t in tensors.items() if not n.startswith("first_stage")}, path)
    precision = choose(describe_machine(measure_bf16=False))
    config = TrainConfig.parse({"base_model": {"path": str(path)}})
    with pytest.raises(BaseModelError, match="holds no VAE"):
        load_components(config, precision)
    assert main(["convert", str(path), "--folder", "--out", str(tmp_path / "folder")]) == 1
    vae = {"path": str(path), "vae_path": str(tiny_base_dir() / "vae")}
    components = load_components(TrainConfig.parse({"base_model": vae}), precision)
    assert components.name == "base"
    assert not next(components.vae.parameters()).is_meta
