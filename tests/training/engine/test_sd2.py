"""SD 2's plan in small: OpenCLIP's text model with a layer that nobody reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.factories.engine import make_base, make_config
from training.engine.checkpoint_layout import checkpoint_tensors
from training.engine.components import load_components
from training.engine.machine.precision import Precision

pytestmark = pytest.mark.engine
PLAIN = Precision("cpu", "fp32", use_scaler=False, threads=1, checkpointing=False)


def test_a_checkpoint_has_all_that_the_original_programs_ask_for_and_loads_the_same(
    tmp_path: Path,
) -> None:
    import torch
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel
    from safetensors.torch import save_file

    base = make_base(tmp_path / "base", prediction_type="v_prediction")
    plan = json.loads((base / "unet/config.json").read_text(encoding="utf-8"))
    UNet2DConditionModel.from_config({**plan, "use_linear_projection": True}).save_pretrained(
        base / "unet"
    )
    named = {"path": str(base), "architecture": "sd2"}
    parts = load_components(make_config(base, Path("m"), base_model=named), PLAIN)
    tensors = checkpoint_tensors(parts, torch.float32, base)
    block = "cond_stage_model.model.transformer.resblocks."
    assert f"{block}2.mlp.c_fc.weight" in tensors  # the third layer of a model of two
    assert f"{block}3.mlp.c_fc.weight" not in tensors
    assert tensors["cond_stage_model.model.text_projection"].shape == (16, 16)
    save_file(tensors, tmp_path / "sd2.safetensors")
    pipe = StableDiffusionPipeline.from_single_file(
        tmp_path / "sd2.safetensors", config=str(base), local_files_only=True
    )
    for ours, theirs in (
        (parts.unet, pipe.unet),
        (parts.vae, pipe.vae),
        (parts.text_encoders[0], pipe.text_encoder),
    ):
        same = zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
        assert all(torch.equal(a, b) for a, b in same)
