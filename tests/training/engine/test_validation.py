"""Held-out pictures: never trained on, always measured the same way, and nothing moves by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.factories.engine import Recorder, make_config, make_manifest, make_pictures
from tests.training.engine.test_resume import run, tensors_of
from training.engine.data.manifest import hold_out, read_manifest
from training.engine.errors import DatasetError
from training.engine.runs.validation import Validation

pytestmark = pytest.mark.engine

ALL_THAT_DRAWS = {
    "train_text_encoder": True,
    "flip": True,
    "noise_offset": 0.1,
    "input_perturbation": 0.1,
    "latent_sampling": "sample",
    "network": {"dim": 4, "alpha": 2.0, "dropout": 0.3},
    "captions": {"shuffle": True, "dropout": 0.2, "tag_dropout": 0.2},
    "ema": {"enabled": True, "decay": 0.9},
}


def told(recorder: Recorder) -> list[tuple[int, float]]:
    return [(event.step, event.loss) for event in recorder.of("validated")]


def test_measuring_changes_no_byte_of_the_result_even_after_a_kill(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    marked = json.loads(manifest.read_text(encoding="utf-8"))
    marked["images"] = marked["images"][:4]
    plain = manifest.with_name("four.json")
    plain.write_text(json.dumps(marked), encoding="utf-8")
    held = json.loads(manifest.read_text(encoding="utf-8"))
    held["images"][4]["validation"] = True
    with_one = manifest.with_name("four-and-one.json")
    with_one.write_text(json.dumps(held), encoding="utf-8")

    without, _ = run(make_config(base, plain, **ALL_THAT_DRAWS), tmp_path / "a", cache)
    measured = make_config(base, with_one, **ALL_THAT_DRAWS, validation={"every_steps": 1})
    straight, recorder = run(measured, tmp_path / "b", cache)
    run(measured, tmp_path / "c", cache, kill_at=4, save=2)
    resumed, last = run(measured, tmp_path / "c", cache)

    assert without is not None
    assert straight is not None
    assert resumed is not None
    assert tensors_of(without) == tensors_of(straight) == tensors_of(resumed)
    assert [step for step, _ in told(recorder)] == [0, 1, 2, 3, 4, 5, 6]
    assert told(last) == told(recorder)[4:]  # what was told before the kill is not told again
    assert len({loss for _, loss in told(recorder)}) == 7


def test_the_held_out_loss_falls_with_the_training_on_pictures_alike(
    base: Path, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "set"
    paths = make_pictures(folder, 1)
    twin = folder / "twin.png"
    twin.write_bytes(paths[0].read_bytes())
    manifest = make_manifest(folder, [*paths, twin])
    data = json.loads(manifest.read_text(encoding="utf-8"))
    data["images"][1]["validation"] = True
    manifest.write_text(json.dumps(data), encoding="utf-8")
    config = make_config(
        base,
        manifest,
        "dreambooth",
        learning_rate=3e-3,
        max_steps=30,
        validation={"draws": 16, "every_epochs": 15},
    )
    _, recorder = run(config, tmp_path / "run", cache)
    losses = [loss for _, loss in told(recorder)]
    assert [step for step, _ in told(recorder)] == [0, 15, 30]
    assert losses[2] < losses[1] < losses[0]


def test_a_share_is_held_out_by_content_and_the_rest_is_trained_on(manifest: Path) -> None:
    whole = read_manifest(manifest)
    parts = [hold_out(whole, share=0.4, seed=seed) for seed in range(12)]
    assert {len(part.held_out) for part in parts} == {2}
    assert {len(part.training) for part in parts} == {3}
    assert len({tuple(image.id for image in part.held_out) for part in parts}) > 3
    assert hold_out(whole, share=0.4, seed=1) == hold_out(whole, share=0.4, seed=1)
    assert hold_out(whole, share=0.0, seed=1) == whole
    assert len(hold_out(whole, share=0.01, seed=1).held_out) == 1


def test_a_single_picture_is_never_held_out_and_marked_ones_count_towards_the_share(
    tmp_path: Path,
) -> None:
    manifest = make_manifest(tmp_path, make_pictures(tmp_path, 4))
    data = json.loads(manifest.read_text(encoding="utf-8"))
    data["images"][0]["validation"] = True
    manifest.write_text(json.dumps(data), encoding="utf-8")
    assert len(hold_out(read_manifest(manifest), share=0.25, seed=0).held_out) == 1
    assert len(hold_out(read_manifest(manifest), share=0.5, seed=0).held_out) == 2
    data["images"] = data["images"][1:2]
    manifest.write_text(json.dumps(data), encoding="utf-8")
    assert not hold_out(read_manifest(manifest), share=0.5, seed=0).held_out
    data["images"][0]["validation"] = True
    manifest.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DatasetError, match="no pictures to train on"):
        read_manifest(manifest)


def test_it_is_due_before_the_first_step_between_and_at_the_end() -> None:
    def due(every_steps: int, every_epochs: int) -> list[int]:
        plan = Validation(None, None, every_steps, every_epochs)  # type: ignore[arg-type]
        return [s for s in range(11) if plan.is_due(s, steps_per_epoch=4, total_steps=10)]

    assert due(0, 0) == [0, 10]
    assert due(3, 0) == [0, 3, 6, 9, 10]
    assert due(0, 1) == [0, 4, 8, 10]
    assert due(0, 2) == [0, 8, 10]


def test_the_file_says_how_many_pictures_were_held_out(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    from safetensors import safe_open

    config = make_config(base, manifest, max_steps=1, validation={"share": 0.2, "seed": 3})
    path, _ = run(config, tmp_path, cache)
    assert path is not None
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    assert header["ss_num_train_images"] == "4"
    assert header["ss_num_validation_images"] == "1"
    assert header["ss_validation_split"] == "0.2"
    assert header["ss_validation_seed"] == "3"
