"""Several processes take one step together, and leave what one process would have left."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.factories.engine import Orders, Recorder, make_config
from training.engine.data.batches import Feed, FeedRule
from training.engine.events import Control, NoControl
from training.engine.machine.processes import Processes, processes
from training.engine.runs.loop import train

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def one_of_two(
    rank: int, port: int, base: Path, manifest: Path, folder: Path, cache: Path, pause: int
) -> None:
    """Train as one of two processes, placed by what accelerate's launcher puts around them."""
    os.environ.update(
        RANK=str(rank),
        WORLD_SIZE="2",
        LOCAL_RANK=str(rank),
        LOCAL_WORLD_SIZE="2",
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        ACCELERATE_USE_CPU="true",
    )
    control: Control = Orders(pause=pause) if pause and rank == 0 else NoControl()
    config = make_config(base, manifest, batch_size=1, **SETTINGS)
    result = train(config, run_dir=folder, listener=Recorder(), control=control, cache_dir=cache)
    assert (result.path is not None) == (rank == 0 and not pause)  # the first one's file alone


SETTINGS: dict[str, Any] = {
    "max_steps": 5,
    "gradient_accumulation": 2,
    "train_text_encoder": True,
    "sample_prompts": ["a thing"],
    "sample_every_steps": 2,
    "validation": {"share": 0.2},
}


def two(base: Path, manifest: Path, folder: Path, cache: Path, pause: int = 0) -> None:
    """Run both processes to their end. They are forked: nothing has to be loaded again."""
    context, port = multiprocessing.get_context("fork"), free_port()
    both = [
        context.Process(target=one_of_two, args=(rank, port, base, manifest, folder, cache, pause))
        for rank in range(2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]


def test_two_processes_learn_what_one_does_with_twice_the_batch(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    from safetensors.torch import load_file

    recorder = Recorder()
    config = make_config(base, manifest, batch_size=2, **SETTINGS)
    alone = train(
        config, run_dir=tmp_path / "one", listener=recorder, control=NoControl(), cache_dir=cache
    )
    two(base, manifest, tmp_path / "two", cache, pause=3)  # the first one pauses for both
    two(base, manifest, tmp_path / "two", cache)
    assert alone.path is not None
    expected, found = (
        load_file(alone.path),
        load_file(tmp_path / "two/checkpoints/thing.safetensors"),
    )
    assert expected.keys() == found.keys()
    assert all((found[name] - tensor).abs().max() < 1e-4 for name, tensor in expected.items())

    lines = (tmp_path / "two/events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    losses = [event["loss"] for event in events if event["event"] == "stepped"]
    assert losses == pytest.approx([step.loss for step in recorder.of("stepped")], rel=1e-4)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    suspended = [event for event in events if event["event"] == "suspended"]
    assert [event["step"] for event in suspended] == [3]
    samples = [event["path"] for event in events if event["event"] == "previewed"]
    assert samples == [
        "samples/s000002-p00.png",
        "samples/s000004-p00.png",
        "samples/e0005-p00.png",
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_the_shares_of_all_processes_are_the_step_of_one(count: int) -> None:
    from tests.training.engine.test_data import items

    everything = items(7) + items(2, bucket=(128, 32))
    whole = Feed(everything, FeedRule(seed=3, batch_size=6, accumulation=2), {})
    shares = [
        Feed(
            everything,
            FeedRule(seed=3, batch_size=6, accumulation=2, rank=rank, processes=count),
            {},
        )
        for rank in range(count)
    ]
    for step in range(3):
        expected = {
            (i, s) for b in whole.batches(step) for i, s in zip(b.ids, b.slots, strict=True)
        }
        found = [
            (i, s)
            for share in shares
            for batch in share.batches(step)
            for i, s in zip(batch.ids, batch.slots, strict=True)
        ]
        assert len(found) == len(set(found))
        assert set(found) == expected
        assert sorted(whole.ids(step)) == sorted(i for i, _ in expected)


def test_a_process_that_nobody_launched_with_others_is_alone(tmp_path: Path) -> None:
    with processes("auto") as among, among.folder(tmp_path) as folder:
        assert type(among) is Processes
        assert (among.count, among.is_first, folder) == (1, True, tmp_path)
        assert among.agree("pause") == "pause"
