"""Files are written and samples drawn while the steps go on, and show their own moment."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.factories.engine import Recorder, make_config
from tests.training.engine.test_resume import tensors_of
from training.engine.events import Event, NoControl, Stepped
from training.engine.machine.memory import (
    ROOM_FOR_TURNED_COPIES,
    free_memory,
    has_room_for_turned_copies,
)
from training.engine.runs import aside
from training.engine.runs.aside import Lane, fits_beside
from training.engine.runs.loop import train
from training.engine.samples import preview

KIB = 1024


def test_a_quarter_of_the_free_memory_may_be_copies() -> None:
    assert fits_beside(25, "cpu", free=100)
    assert not fits_beside(26, "cpu", free=100)
    assert not fits_beside(1, "cpu", free=0)  # where nobody knows


def test_free_memory_is_that_of_the_machine_or_of_the_container(tmp_path: Path) -> None:
    machine = tmp_path / "meminfo"
    assert free_memory("cpu", machine=machine, group=tmp_path) == 0
    machine.write_text("MemTotal: 900 kB\nMemAvailable: 800 kB\n", encoding="ascii")
    assert free_memory("cpu", machine=machine, group=tmp_path) == 800 * KIB
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    (tmp_path / "memory.current").write_text(f"{100 * KIB}\n", encoding="ascii")
    assert free_memory("cpu", machine=machine, group=tmp_path) == 800 * KIB
    (tmp_path / "memory.max").write_text(f"{300 * KIB}\n", encoding="ascii")
    assert free_memory("cpu", machine=machine, group=tmp_path) == 200 * KIB
    (tmp_path / "memory.max").write_text("1\n", encoding="ascii")
    assert free_memory("cpu", machine=machine, group=tmp_path) == 0


def test_weights_lie_twice_in_machines_and_containers_of_a_size(tmp_path: Path) -> None:
    machine, limit = tmp_path / "meminfo", tmp_path / "memory.max"
    assert not has_room_for_turned_copies(machine=machine, group=tmp_path)  # where nobody knows
    enough = ROOM_FOR_TURNED_COPIES // KIB
    machine.write_text(f"MemTotal: {enough - 1} kB\nMemAvailable: {enough} kB\n", encoding="ascii")
    assert not has_room_for_turned_copies(machine=machine, group=tmp_path)
    machine.write_text(f"MemTotal: {enough} kB\nMemAvailable: 0 kB\n", encoding="ascii")
    assert has_room_for_turned_copies(machine=machine, group=tmp_path)
    limit.write_text(f"{ROOM_FOR_TURNED_COPIES - 1}\n", encoding="ascii")
    assert not has_room_for_turned_copies(machine=machine, group=tmp_path)
    limit.write_text("max\n", encoding="ascii")
    assert has_room_for_turned_copies(machine=machine, group=tmp_path)


def test_a_lane_does_one_thing_after_the_other_and_raises_what_went_wrong() -> None:
    lane, gate, done = Lane("test"), threading.Event(), list[str]()

    def first() -> None:
        gate.wait(10)
        done.append("first")

    def second() -> None:
        done.append("second")
        raise ValueError("no room")

    lane.start(first)
    assert lane.is_busy
    lane.check()  # waits for nothing
    gate.set()
    lane.start(second)  # waits for the first
    assert done[0] == "first"
    with pytest.raises(ValueError, match="no room"):
        lane.settle()
    lane.settle()  # told once
    assert not lane.is_busy
    lane.close()
    assert done == ["first", "second"]


SAMPLES = {"sample_every_steps": 1, "sample_prompts": ["sks <thing> --s 1 --l 1"]}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "lora with text and convolutions": (
        "lora",
        {"train_text_encoder": True, "network": {"dim": 2, "conv_dim": 2, "dropout": 0.3}},
    ),
    "lora in few operations, averaged": (
        "lora",
        {"train_text_encoder": True, "ema": {"enabled": True, "decay": 0.5}},
    ),
    "dora": ("lora", {"network": {"dim": 2, "decompose": True}}),
    "dreambooth": ("dreambooth", {"train_text_encoder": True, "save_precision": "fp32"}),
    "textual inversion": ("textual_inversion", {"learning_rate": 0.05}),
    "hypernetwork": ("hypernetwork", {"hypernetwork": {"dropout": [0.0, 0.3, 0.0]}}),
}


@pytest.mark.engine
@pytest.mark.parametrize("case", CASES)
def test_what_is_made_beside_the_steps_is_what_would_be_made_between_them(
    case: str,
    base: Path,
    manifest: Path,
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method, changes = CASES[case]
    often = {**SAMPLES, "save_every_steps": 1, "max_steps": 3}
    config = make_config(base, manifest, method, **often, **changes)

    def made(name: str) -> dict[str, Any]:
        folder, told = tmp_path / name, Recorder()
        train(config, run_dir=folder, listener=told, control=NoControl(), cache_dir=cache)
        assert [e.step for e in told.of("checkpointed")] == [1, 2, 3]
        assert [e.step for e in told.of("previewed")] == [1, 2, 3]
        pictures = sorted((folder / "samples").iterdir())
        return {
            **{p.name: np.asarray(Image.open(p)).astype(int) for p in pictures},
            **{p.name: tensors_of(p) for p in sorted((folder / "checkpoints").iterdir())},
        }

    beside = made("beside")
    monkeypatch.setattr(aside, "SHARE_OF_MEMORY", 0.0)
    between = made("between")
    assert beside.keys() == between.keys()
    for name in beside:
        if name.endswith(".png"):  # a copy of all weights lies elsewhere, and may be rounded so
            assert abs(beside[name] - between[name]).max() <= (method == "dreambooth")
        else:
            assert beside[name] == between[name]


@pytest.mark.engine
def test_no_step_waits_for_samples(
    base: Path, manifest: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_step, real = threading.Event(), preview.save_picture
    waited: list[bool] = []

    def save_after_the_second_step(*arguments: Any) -> None:
        waited.append(second_step.wait(60))
        real(*arguments)

    class Listening(Recorder):
        def on_event(self, event: Event) -> None:
            super().on_event(event)
            if isinstance(event, Stepped) and event.step == 2:
                second_step.set()

    monkeypatch.setattr(preview, "save_picture", save_after_the_second_step)
    config = make_config(base, manifest, **SAMPLES, max_steps=2)
    train(config, run_dir=tmp_path, listener=Listening(), control=NoControl(), cache_dir=cache)
    assert waited
    assert all(waited)
