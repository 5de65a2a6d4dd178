"""Trained files at work on a base, and grids of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hub.formats.generation.a1111 import parse_infotext
from tests.factories.engine import Recorder, make_config
from training.engine.components import Components, load_components
from training.engine.errors import ConfigError
from training.engine.events import NoControl
from training.engine.machine.precision import Machine, choose
from training.engine.runs.loop import train
from training.engine.samples.applying import AppliedFile, applied
from training.engine.samples.drawing import requests_of
from training.engine.samples.grids import GridCell, GridPlan, make_grid
from training.engine.samples.prompts import parse_prompt
from training.engine.samples.sampling import make_pictures
from training.engine.text import TextConditioner

pytestmark = pytest.mark.engine
LINE = "a picture of thing --d 3 --l 2 --s 3"
CASES = {
    "lora": {
        "train_text_encoder": True,
        "learning_rate": 2e-2,
        "network": {"dim": 4, "conv_dim": 2},
    },
    "textual_inversion": {
        "learning_rate": 0.05,
        "textual_inversion": {"token": "thing", "vectors": 2},
    },
    "hypernetwork": {"learning_rate": 2e-2},
}


def loaded(base: Path, manifest: Path) -> Components:
    return load_components(make_config(base, manifest), choose(Machine(cuda=False)))


def drawn(components: Components, base: Path, manifest: Path) -> np.ndarray:
    found = []
    make_pictures(
        components,
        TextConditioner(components),
        [parse_prompt(LINE, make_config(base, manifest))],
        on_picture=lambda _, picture: found.append(np.asarray(picture, dtype=np.float32)),
    )
    return found[0]


@pytest.mark.parametrize("method", CASES)
def test_a_file_applied_to_the_base_draws_what_the_training_drew_and_leaves_no_trace(
    method: str, base: Path, manifest: Path, tmp_path: Path
) -> None:
    config = make_config(
        base, manifest, method, sample_every_epochs=1, sample_prompts=[LINE], **CASES[method]
    )
    result = train(
        config,
        run_dir=tmp_path,
        listener=Recorder(),
        control=NoControl(),
        cache_dir=tmp_path / "cache",
    )
    assert result.path is not None
    with Image.open(sorted((tmp_path / "samples").iterdir())[-1]) as opened:
        in_training = np.asarray(opened, dtype=np.float32)
    components = loaded(base, manifest)
    before = drawn(components, base, manifest)
    with applied(components, [AppliedFile(result.path)]):
        with_file = drawn(components, base, manifest)
    assert np.abs(with_file - in_training).max() <= 1
    assert np.abs(with_file - before).max() > 1
    assert (drawn(components, base, manifest) == before).all()


def test_embeddings_that_a_lora_brings_along_are_no_layers(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    components = loaded(base, manifest)
    layer = components.unet.down_blocks[0].attentions[0].proj_in
    outside, inside = layer.weight.shape[:2]
    name = "lora_unet_down_blocks_0_attentions_0_proj_in"
    path = tmp_path / "with-words.safetensors"
    save_file(
        {
            f"{name}.lora_down.weight": torch.ones(1, inside, 1, 1),
            f"{name}.lora_up.weight": torch.ones(outside, 1, 1, 1),
            "bundle_emb.word.string_to_param.*": torch.zeros(2, 16),
        },
        path,
    )
    before = layer.weight.detach().clone()
    with applied(components, [AppliedFile(path, 0.5)]):
        assert torch.allclose(layer.weight, before + 0.5)
    assert torch.equal(layer.weight, before)


def test_a_file_for_another_base_is_refused_in_words(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    name = "lora_unet_down_blocks_7_attentions_0_proj_in"
    save_file(
        {f"{name}.lora_down.weight": torch.ones(1, 8), f"{name}.lora_up.weight": torch.ones(8, 1)},
        path,
    )
    components = loaded(base, manifest)
    with (
        pytest.raises(ConfigError, match="another kind of base"),
        applied(components, [AppliedFile(path)]),
    ):
        pass
    save_file({"a": torch.ones(1), "b": torch.ones(1)}, path)
    with pytest.raises(ConfigError, match="neither"), applied(components, [AppliedFile(path)]):
        pass


def test_a_grid_has_a_cell_for_each_prompt_file_and_weight_and_one_sheet(
    base: Path, manifest: Path, tmp_path: Path
) -> None:
    result = train(
        make_config(base, manifest, learning_rate=2e-2, max_steps=3),
        run_dir=tmp_path / "run",
        listener=Recorder(),
        control=NoControl(),
        cache_dir=tmp_path / "cache",
    )
    assert result.path is not None
    cells: list[GridCell] = []
    config = make_config(base, manifest)
    plan = GridPlan(
        tuple(requests_of(["a thing", "a red thing --s 3"], config)),
        files=(result.path,),
        weights=(0.5, 1.0),
        seeds=(11,),
    )
    sheet = make_grid(
        config,
        loaded(base, manifest),
        plan,
        folder=tmp_path / "grid",
        on_cell=cells.append,
    )
    assert [(cell.row, cell.column) for cell in cells] == [
        *((0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2))
    ]
    pixels = {}
    for cell in cells:
        with Image.open(cell.path) as opened:
            pixels[(cell.row, cell.column)] = np.asarray(opened, dtype=np.float32)
            data = parse_infotext(opened.info["parameters"])
        assert data.seed == 11
        assert [r.weight for r in data.resources] == ([] if cell.column == 0 else [cell.column / 2])
    assert np.abs(pixels[(0, 0)] - pixels[(0, 2)]).max() > 1
    with Image.open(sheet) as opened:
        assert opened.size[0] > 3 * 64
        assert opened.size[1] > 2 * 64
