"""How long the second job of a warm process takes to its first step."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.rows import PROGRAMS, Result
from tests.bench.running import INSTRUMENT, RunFailedError, environment, read_marks, run
from tests.bench.trainers import PROJECT, PeerMissingError, Program, Setting, ours_config

STEPS = 4


def second_job(setting: Setting, *, timeout_seconds: float) -> Result:
    """Compare our second job, on the same base and pictures, with kohya's cold start."""
    name = f"{setting.base.geometry.name}: CPU seconds to the first step of a second, warm job"
    limits = {"must": 0.10, "strive": 0.05}
    try:
        cold = run(PROGRAMS["kohya"](setting), steps=STEPS, timeout_seconds=timeout_seconds)
    except (PeerMissingError, RunFailedError) as error:
        return Result(name, note=str(error), **limits)
    warm = _second_start(setting, timeout_seconds)
    note = "the peer caches no latents before its first step"
    return Result(name, warm, cold.startup, warm / cold.startup, note=note, **limits)


def _second_start(setting: Setting, timeout_seconds: float) -> float:
    """Return the CPU seconds from the order of the second job to its first step."""
    folder = setting.new_folder("warm")
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as name:
        marks = Path(name) / "marks.jsonl"
        mine, theirs = socket.socketpair()
        reading, writing = os.pipe()
        program = Program("warm", Path(sys.executable), (), PROJECT)
        process = subprocess.Popen(
            [
                *(sys.executable, str(INSTRUMENT), "--marks", str(marks)),
                *("-m", "training.engine", "serve", "--events-fd", str(writing)),
                *("--orders-fd", str(theirs.fileno())),
            ],
            cwd=PROJECT,
            env=environment(program),
            stdin=subprocess.DEVNULL,
            pass_fds=(writing, theirs.fileno()),
        )
        os.close(writing)
        theirs.close()
        try:
            with os.fdopen(reading, encoding="utf-8") as events:
                _order(mine, setting, folder, "first")
                _until_ended(events, timeout_seconds)
                before = cpu_seconds_of(process.pid)
                _order(mine, setting, folder, "second")
                _until_ended(events, timeout_seconds)
        finally:
            process.kill()
            process.wait()
            mine.close()
        rows = [json.loads(line) for line in marks.read_text().splitlines()]
    second = read_marks(rows[STEPS:])
    return second.at[0] - second.step - before


def _order(orders: socket.socket, setting: Setting, folder: Path, name: str) -> None:
    config = ours_config(setting, train_text_encoder=True, max_steps=STEPS)
    path = folder / f"{name}.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    order = {
        "config": str(path),
        "run_dir": str(folder / name),
        "cache_dir": str(folder / "cache"),
        "log": str(folder / "log"),
        "replay_after": 0,
    }
    with (folder / "lock").open("w") as lock:
        socket.send_fds(orders, [json.dumps({"train": order}).encode() + b"\n"], [lock.fileno()])


def _until_ended(events: object, timeout_seconds: float) -> None:
    end = time.monotonic() + timeout_seconds
    for line in events:  # type: ignore[attr-defined]
        if "ended" in json.loads(line):
            return
        if time.monotonic() > end:
            break
    raise RunFailedError("The warm process did not end its run in time.")


def cpu_seconds_of(pid: int) -> float:
    """Return the CPU seconds of another process, to the nanosecond (see clock_getcpuclockid)."""
    return time.clock_gettime((~pid << 3) | 2)
