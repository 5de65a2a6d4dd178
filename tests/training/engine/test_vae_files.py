"""A separate VAE, from whatever file people have it in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories.engine import make_base, make_config
from training.engine.checkpoint_layout import vae_tensors
from training.engine.components import load_components
from training.engine.errors import BaseModelError
from training.engine.machine.precision import Precision

pytestmark = pytest.mark.engine
PLAIN = Precision("cpu", "fp32", use_scaler=False, threads=1, checkpointing=False)


def test_every_form_of_a_vae_takes_the_place_of_the_bases_own(base: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    other = load_components(
        make_config(make_base(tmp_path / "other", seed=5), Path("m")), PLAIN
    ).vae
    ldm = {name: tensor.contiguous() for name, tensor in vae_tensors(other).items()}
    bare = {name.removeprefix("first_stage_model."): tensor for name, tensor in ldm.items()}
    save_file({**ldm, "model.diffusion_model.x": torch.zeros(1)}, tmp_path / "whole.safetensors")
    save_file(bare, tmp_path / "bare.safetensors")
    save_file(other.state_dict(), tmp_path / "diffusers.safetensors")
    leftovers = {"loss.logvar": torch.zeros(1)}
    torch.save({"state_dict": {**bare, **leftovers}}, tmp_path / "old.vae.pt")
    names = ("whole.safetensors", "bare.safetensors", "diffusers.safetensors", "old.vae.pt")
    for name in (*names, "other/vae"):
        base_model = {"path": str(base), "vae_path": str(tmp_path / name), "architecture": "tiny"}
        found = load_components(make_config(base, Path("m"), base_model=base_model), PLAIN).vae
        same = zip(found.state_dict().values(), other.state_dict().values(), strict=True)
        assert all(torch.equal(ours, theirs) for ours, theirs in same), name

    save_file({"encoder.conv_in.weight": torch.zeros(1, 2)}, tmp_path / "half.safetensors")
    broken = {"path": str(base), "vae_path": str(tmp_path / "half.safetensors")}
    with pytest.raises(BaseModelError, match=r"half\.safetensors does not fit"):
        load_components(make_config(base, Path("m"), base_model=broken), PLAIN)
