"""Captions are encoded once for all runs, and only where nothing can change what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.factories.engine import Recorder, make_config
from training.engine.components import load_components
from training.engine.data.texts import TextCache
from training.engine.machine.precision import choose, describe_machine
from training.engine.runs.outputs import RunFolder
from training.engine.runs.preparation import prepare
from training.engine.text import TextConditioner

pytestmark = pytest.mark.engine


@pytest.fixture
def components(base: Path, manifest: Path) -> Any:
    precision = choose(describe_machine(measure_bf16=False), mixed_precision="no")
    return load_components(make_config(base, manifest), precision)


def conditioner(components: Any, folder: Path, **changes: Any) -> TextConditioner:
    made = TextConditioner(components, **changes)
    made.cache = TextCache(folder, components)
    return made


def test_a_second_run_reads_the_same_values_from_disk(components: Any, tmp_path: Path) -> None:
    import torch

    texts = ["a red thing", "a blue thing"]
    first = conditioner(components, tmp_path)
    expected = first.encode(texts).embeddings
    assert torch.equal(conditioner(components, tmp_path).captions(texts).embeddings, expected)
    second = conditioner(components, tmp_path)
    assert torch.equal(second.captions(texts).embeddings, expected)
    assert second.cache is not None
    assert (second.cache.hits, second.cache.misses) == (2, 0)


def test_another_reading_and_other_weights_are_other_values(
    components: Any, tmp_path: Path
) -> None:
    import torch

    conditioner(components, tmp_path).captions(["a thing"])
    for changes in ({"clip_skip": 2}, {"max_tokens": 150}):
        other = conditioner(components, tmp_path, **changes)
        other.captions(["a thing"])
        assert other.cache is not None
        assert other.cache.misses == 1
    with torch.no_grad():
        next(components.text_encoders[0].parameters()).add_(1)
    components.derived.clear()
    changed = conditioner(components, tmp_path)
    changed.captions(["a thing"])
    assert changed.cache is not None
    assert changed.cache.misses == 1


def test_a_file_cut_short_is_made_again(components: Any, tmp_path: Path) -> None:
    import torch

    expected = conditioner(components, tmp_path).captions(["a thing"]).embeddings
    (path,) = (tmp_path / "texts").rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-4])
    assert torch.equal(conditioner(components, tmp_path).captions(["a thing"]).embeddings, expected)


@pytest.mark.parametrize(
    ("method", "train_text", "cached"),
    [("lora", False, True), ("lora", True, False), ("textual_inversion", False, False)],
)
def test_only_captions_of_encoders_that_stand_still_are_cached(
    method: str, train_text: bool, cached: bool, base: Path, manifest: Path, tmp_path: Path
) -> None:
    config = make_config(base, manifest, method, train_text_encoder=train_text).resolved()
    run = RunFolder(tmp_path / "run", config, Recorder())
    session = prepare(config, run, tmp_path / "cache")
    try:
        session.stepper.step(0)
    finally:
        run.journal.close()
    assert (tmp_path / "cache" / "texts").exists() is cached
