"""The engine as a child process: events out, commands and signals in, kill -9 at any moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.factories.engine import Recorder, make_config
from tests.training.engine.test_resume import tensors_of
from training.engine.events import NoControl, event_from_dict
from training.engine.runs.loop import train

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def engine(
    run_dir: Path, cache: Path, *more: str, imports: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the engine on a run folder, and end it with the block whatever happens.

    `imports` is a file for the names of the modules that it loads.
    """
    told = imports.open("wb") if imports else None
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "training.engine", "train", str(run_dir / "config.toml")),
            *("--run-dir", str(run_dir), "--cache-dir", str(cache), "--resume"),
            *("--events-fd", "1", *more),
        ],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPROFILEIMPORTTIME": "1" if told else ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=told or subprocess.DEVNULL,
    )
    with process, told or nullcontext():
        try:
            yield process
        finally:
            process.kill()


def events_until(
    process: subprocess.Popen[bytes], kind: str, step: int = 0
) -> list[dict[str, Any]]:
    """Read events up to one of a kind at or after a step, or to the end."""
    assert process.stdout is not None
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == kind and events[-1].get("step", 0) >= step:
            break
    return events


def write_config(folder: Path, base: Path, manifest: Path, **changes: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config = make_config(base, manifest, state_every_seconds=0, **changes)
    (folder / "config.toml").write_text(config.to_toml(), encoding="utf-8")


def test_kill_9_then_end_of_input_then_resume_gives_the_bytes_of_an_undisturbed_run(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    config = make_config(base, manifest, max_steps=40)
    straight = train(
        config, run_dir=tmp_path / "a", listener=Recorder(), control=NoControl(), cache_dir=cache
    )
    run_dir = tmp_path / "b"
    write_config(run_dir, base, manifest, max_steps=40)

    with engine(run_dir, cache, imports=tmp_path / "imports") as first:
        told = events_until(first, "stepped", 3)
        first.send_signal(signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
    seen = told[-1]["sequence"]
    loaded = {line.split()[-1] for line in (tmp_path / "imports").read_text().splitlines()}
    assert {"torch", "tokenizers", "training.engine.runs.loop"} <= loaded
    slow = ("diffusers", "transformers", "peft", "accelerate", "torch._dynamo", "sympy")
    assert not loaded.intersection(slow)  # a run steps before it would have loaded them

    with engine(run_dir, cache, "--replay-after", str(seen)) as second:
        told_second = events_until(second, "stepped", 6)
        assert second.stdin is not None
        second.stdin.close()
        told_second += events_until(second, "suspended")
        assert second.wait() == 143
    numbers = [event["sequence"] for event in told + told_second]
    assert numbers == list(range(1, len(numbers) + 1))
    assert told_second[-1]["reason"] == "paused"

    with engine(run_dir, cache) as third:
        finished = events_until(third, "finished")[-1]
        assert third.wait() == 0
    assert finished["reason"] == "completed"
    assert straight.path is not None
    assert tensors_of(straight.path) == tensors_of(run_dir / finished["path"])
    assert event_from_dict(finished).to_dict() == finished


def test_a_termination_signal_pauses_and_stop_keeps_what_there_is(
    base: Path, manifest: Path, tmp_path: Path, cache: Path
) -> None:
    write_config(tmp_path, base, manifest, max_steps=2000)
    with engine(tmp_path, cache) as first:
        events_until(first, "stepped", 1)
        first.terminate()
        last = events_until(first, "suspended")[-1]
        assert first.wait() == 143
    assert last["step"] < 2000

    with engine(tmp_path, cache) as second:
        events_until(second, "stepped", 1)
        assert second.stdin is not None
        second.stdin.write(b'not a command\n{"command": "stop"}\n')
        second.stdin.flush()
        finished = events_until(second, "finished")[-1]
        assert second.wait() == 0
    assert finished["reason"] == "stopped"
    assert (tmp_path / finished["path"]).exists()


def test_settings_that_do_not_fit_end_the_program_with_words(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('method = "lora"\nresolution = 7\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "training.engine", "train", str(tmp_path / "config.toml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "resolution" in done.stderr
    assert "Traceback" not in done.stderr
