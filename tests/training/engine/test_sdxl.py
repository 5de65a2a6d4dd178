"""The plan of SDXL: two text encoders, pooled text, sizes as conditions, sgm names in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.factories.engine import Recorder, make_config, make_xl_base
from training.engine.config.train import TrainConfig
from training.engine.events import NoControl
from training.engine.runs.loop import train

pytestmark = pytest.mark.engine
PROMPT = "sks, a red thing"
XL = {"path": "", "name": "Random XL", "architecture": "sdxl"}


@pytest.fixture(scope="module")
def xl_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_xl_base(tmp_path_factory.mktemp("xl"))


def config_for(base: Path, manifest: Path, method: str, **changes: Any) -> TrainConfig:
    return make_config(
        base,
        manifest,
        method,
        base_model={**XL, "path": str(base)},
        max_steps=4,
        sample_every_epochs=1,
        sample_prompts=[f"{PROMPT} --d 3 --l 2 --s 3"],
        sampling={"sampler": "Euler"},
        **changes,
    )


def trained(config: TrainConfig, folder: Path) -> tuple[Path, np.ndarray]:
    result = train(
        config, run_dir=folder, listener=Recorder(), control=NoControl(), cache_dir=folder / "c"
    )
    assert result.path is not None
    with Image.open(sorted((folder / "samples").iterdir())[-1]) as sample:
        return result.path, np.asarray(sample, dtype=np.float32)


def drawn(pipe: Any, prompt: str = PROMPT, **more: Any) -> np.ndarray:
    pipe.set_progress_bar_config(disable=True)
    picture = pipe(
        prompt,
        negative_prompt="",
        num_inference_steps=3,
        guidance_scale=2.0,
        generator=torch.Generator().manual_seed(3),
        height=64,
        width=64,
        output_type="np",
        **more,
    ).images[0]
    return (picture * 255).round().astype(np.float32)


def test_a_lora_has_sgm_names_and_draws_the_same_in_diffusers(
    xl_base: Path, manifest: Path, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionXLPipeline
    from safetensors.torch import load_file

    config = config_for(
        xl_base,
        manifest,
        "lora",
        learning_rate=2e-2,
        train_text_encoder=True,
        text_encoder_2_learning_rate=1e-2,
        scheduler="constant",
    )
    path, ours = trained(config, tmp_path)
    told = (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    assert '{"unet": 0.02, "text_encoder": 0.002, "text_encoder_2": 0.01}' in told
    layers = {name.split(".")[0] for name in load_file(path)}
    block = "transformer_blocks_0_attn1_to_q"
    assert f"lora_unet_input_blocks_4_1_{block}" in layers
    assert f"lora_unet_middle_block_1_{block}" in layers
    assert f"lora_unet_output_blocks_0_1_{block}" in layers
    assert "lora_unet_input_blocks_8_1_transformer_blocks_1_ff_net_2" in layers
    assert "lora_te1_text_model_encoder_layers_2_self_attn_q_proj" in layers
    assert "lora_te2_text_model_encoder_layers_9_mlp_fc1" in layers
    pipe = StableDiffusionXLPipeline.from_pretrained(xl_base)
    plain = drawn(pipe)
    pipe.load_lora_weights(str(path))
    theirs = drawn(pipe)
    assert np.abs(theirs - plain).max() > 1
    assert np.abs(theirs - ours).max() <= 1


def test_a_checkpoint_loads_as_a_single_file_and_draws_the_same(
    xl_base: Path, manifest: Path, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionXLPipeline

    config = config_for(
        xl_base, manifest, "dreambooth", learning_rate=1e-3, train_text_encoder=True
    )
    path, ours = trained(config, tmp_path)
    pipe = StableDiffusionXLPipeline.from_single_file(
        path, config=str(xl_base), local_files_only=True
    )
    from diffusers import EulerDiscreteScheduler

    pipe.scheduler = EulerDiscreteScheduler.from_pretrained(xl_base / "scheduler")
    assert np.abs(drawn(pipe) - ours).max() <= 1


@pytest.mark.parametrize("method", ["lora", "dreambooth"])
def test_a_second_text_encoder_with_the_rate_0_rests(
    method: str, xl_base: Path, manifest: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    rates = {"learning_rate": 1e-3, "text_encoder_2_learning_rate": 0}
    config = config_for(xl_base, manifest, method, train_text_encoder=True, **rates)
    config = config.model_copy(update={"max_steps": 1, "sample_prompts": []})
    events = Recorder()
    result = train(
        config, run_dir=tmp_path, listener=events, control=NoControl(), cache_dir=tmp_path / "c"
    )
    assert result.path is not None
    assert '"text_encoder_2"' not in (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    written = load_file(result.path)
    if method == "lora":
        assert any(name.startswith("lora_te1_") for name in written)
        assert not any(name.startswith("lora_te2_") for name in written)
        return
    layer = "encoder.layers.0.mlp.fc1.weight"
    second = written["conditioner.embedders.1.model.transformer.resblocks.0.mlp.c_fc.weight"]
    first = written[f"conditioner.embedders.0.transformer.text_model.{layer}"]
    for part, values, is_same in (
        ("text_encoder", first, False),
        ("text_encoder_2", second, True),
    ):
        stored = load_file(xl_base / part / "model.safetensors")
        (before,) = (tensor for name, tensor in stored.items() if name.endswith(layer))
        assert torch.equal(values, before.to(values.dtype)) == is_same


def test_an_embedding_has_a_part_for_each_text_encoder(
    xl_base: Path, manifest: Path, tmp_path: Path
) -> None:
    from diffusers import StableDiffusionXLPipeline
    from safetensors.torch import load_file

    config = config_for(xl_base, manifest, "textual_inversion", learning_rate=0.05)
    config = config.model_copy(update={"sample_prompts": ["a <thing> --d 3 --l 2 --s 3"]})
    path, ours = trained(config, tmp_path)
    tensors = load_file(path)
    assert {name: tuple(t.shape) for name, t in tensors.items()} == {
        "clip_l": (2, 16),
        "clip_g": (2, 32),
    }
    pipe = StableDiffusionXLPipeline.from_pretrained(xl_base)
    for key, encoder, tokenizer in (
        ("clip_l", pipe.text_encoder, pipe.tokenizer),
        ("clip_g", pipe.text_encoder_2, pipe.tokenizer_2),
    ):
        pipe.load_textual_inversion(
            tensors[key], token="<thing>", text_encoder=encoder, tokenizer=tokenizer
        )
    theirs = drawn(pipe, "a <thing>")
    assert np.abs(theirs - ours).max() <= 1
