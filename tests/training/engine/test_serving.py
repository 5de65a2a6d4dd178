"""A warm process: it trains one run after another, and none sees anything of the one before."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.factories.engine import Recorder, make_config
from tests.training.engine.test_resume import tensors_of
from training.engine.config.train import TrainConfig
from training.engine.events import NoControl
from training.engine.runs.loop import train

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[3]
LORA = {"max_steps": 2, "train_text_encoder": True}


class Warm:
    """A serving process and the test's ends of its lines."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        reading, writing = os.pipe()
        self.orders, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "training.engine", "serve", "--events-fd", str(writing)),
                *("--orders-fd", str(theirs.fileno()), *more),
            ],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            pass_fds=(writing, theirs.fileno()),
        )
        os.close(writing)
        theirs.close()
        self.events = os.fdopen(reading, encoding="utf-8")

    def order(self, config: TrainConfig, name: str) -> Path:
        """Ask for a run in a folder of this name, whose lock the process is to hold."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "run.toml").write_text(config.to_toml(), encoding="utf-8")
        order = {
            "config": str(folder / "run.toml"),
            "run_dir": str(folder / "run"),
            "cache_dir": str(self.folder / "cache"),
            "log": str(folder / "log"),
            "replay_after": 0,
        }
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            line = json.dumps({"train": order}).encode() + b"\n"
            socket.send_fds(self.orders, [line], [lock.fileno()])
            assert self.told("taken")[-1]["taken"]
        return folder

    def told(self, key: str) -> list[dict[str, Any]]:
        """Return what is told up to a line with this key, or to the end."""
        lines = []
        for line in self.events:
            lines.append(json.loads(line))
            if key in lines[-1] or lines[-1].get("event") == key:
                break
        return lines


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Callable[..., Warm]]:
    made: list[Warm] = []

    def start(*more: str) -> Warm:
        made.append(Warm(tmp_path, *more))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.wait()
        one.orders.close()
        one.events.close()


def result_of(folder: Path) -> Any:
    (path,) = (folder / "run" / "checkpoints").glob("*.safetensors")
    return tensors_of(path)


def is_held(folder: Path) -> bool:
    with (folder / "lock").open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_each_run_of_a_warm_process_has_the_bytes_of_a_run_in_a_fresh_one(
    base: Path, manifest: Path, tmp_path: Path, warm: Callable[..., Warm]
) -> None:
    word = {"token": "<thing>", "vectors": 2, "initial_text": "red thing"}
    configs = [
        make_config(base, manifest, **LORA),
        make_config(base, manifest, "textual_inversion", max_steps=2, textual_inversion=word),
        make_config(base, manifest, "dreambooth", max_steps=2),
    ]
    expected = []
    for number, config in enumerate(configs):
        alone = train(
            config,
            run_dir=tmp_path / f"alone-{number}",
            listener=Recorder(),
            control=NoControl(),
            cache_dir=tmp_path / "other cache",
        )
        assert alone.path is not None
        expected.append(tensors_of(alone.path))
    process = warm()
    for number in (0, 1, 2, 0):  # the last one after runs that added to the base, and changed it
        folder = process.order(configs[number], f"warm-{len(list(tmp_path.iterdir()))}")
        assert process.told("ended")[-1] == {"ended": 0}
        assert not is_held(folder)
        assert result_of(folder) == expected[number]
    assert process.process.poll() is None


def test_a_run_is_commanded_and_its_folder_stays_locked_until_it_has_ended(
    base: Path, manifest: Path, warm: Callable[..., Warm]
) -> None:
    process = warm("--most-runs", "2")
    folder = process.order(make_config(base, manifest, max_steps=2000), "first")
    process.told("stepped")
    assert is_held(folder)
    process.orders.sendall(b'{"command": "pause"}\n')
    assert process.told("ended")[-1] == {"ended": 143}
    assert not is_held(folder)

    process.order(make_config(base, manifest, max_steps=2000), "second")
    process.told("stepped")
    process.orders.sendall(b'{"command": "stop"}\n')
    assert process.told("ended")[-1] == {"ended": 0}
    assert process.process.wait() == 0  # after as many runs as it may


def test_a_run_that_fails_takes_the_process_with_it_and_says_why(
    base: Path, manifest: Path, warm: Callable[..., Warm]
) -> None:
    process = warm()
    missing = make_config(base / "nowhere", manifest)
    folder = process.order(missing, "failing")
    told = process.told("ended")
    assert told[-2]["event"] == "failed"
    assert told[-1] == {"ended": 1}
    assert process.process.wait() == 1
    assert "no base model" in (folder / "log").read_text()


@pytest.mark.parametrize("end", ["signal", "end of orders", "idle"])
def test_a_waiting_process_ends_when_nobody_needs_it(end: str, warm: Callable[..., Warm]) -> None:
    process = warm("--idle-seconds", "0.1" if end == "idle" else "300")
    if end == "end of orders":
        process.orders.shutdown(socket.SHUT_WR)
    if end == "signal":
        process.process.send_signal(signal.SIGTERM)
    assert process.process.wait() in (0, -signal.SIGTERM)  # the latter before it is ready


def test_a_run_at_work_pauses_when_the_orders_end(
    base: Path, manifest: Path, warm: Callable[..., Warm]
) -> None:
    process = warm()
    folder = process.order(make_config(base, manifest, max_steps=2000), "only")
    process.told("stepped")
    process.orders.shutdown(socket.SHUT_WR)
    assert process.told("ended")[-1] == {"ended": 143}
    assert process.process.wait() == 143
    assert (folder / "run" / "state" / "state.safetensors").exists()
