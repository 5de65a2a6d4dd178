"""A disk that takes no more: told as such by every writer, and no record of a run is spoilt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[3]

# The limit for the size of files stands for the disk: it would disturb others in this process.
JOURNAL = """
import json, resource, sys
from pathlib import Path
from training.engine.events import Failed, Stage
from training.engine.runs.journal import Journal

class Heard:
    def __init__(self): self.sequences = []
    def on_event(self, event): self.sequences.append(event.sequence)

heard, path = Heard(), Path(sys.argv[1])
journal = Journal(path, heard)
for number in range(3):
    journal.emit(Stage(stage="training", done=number))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
try:
    journal.emit(Stage(stage="saving"))
except OSError:
    heard.sequences.append("full")
journal.emit_failure(Failed(code="disk_full", message="The disk is full."))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
journal.emit(Stage(stage="training", done=3))
again = Heard()
Journal(path, again, replay_after=0)
print(json.dumps([heard.sequences, again.sequences]))
"""
WRITERS = """
import json, resource, sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from training.engine.files.disk import is_full
from training.engine.files.file_writing import save_pt
from training.engine.files.lazy_tensors import save_tensors

folder, tensor = Path(sys.argv[1]), torch.zeros(100_000)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
LONG_HEADER = {"ss_steps": "1", "modelspec.description": "x" * 3000}  # its writing fails
found = []
for write in (
    lambda: save_file({"a": tensor}, folder / "a.safetensors"),
    lambda: torch.save(tensor, folder / "b.pt"),
    lambda: (folder / "c").write_bytes(bytes(100_000)),
    lambda: save_pt(folder / "d.pt", {"a": tensor}),
    lambda: save_tensors(folder / "e.safetensors", {"a": tensor[:2000]}, LONG_HEADER),
    lambda: save_file({"a": tensor}, folder / "nowhere" / "a.safetensors"),
):
    try:
        write()
    except Exception as error:
        found.append(is_full(error))
print(json.dumps(found))
"""


def run(program: str, folder: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=PROJECT,
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_half_a_line_is_taken_back_and_the_failure_is_told_without_a_number(tmp_path: Path) -> None:
    heard, again = run(JOURNAL, tmp_path / "events.jsonl")
    assert heard == [1, 2, 3, "full", 0, 4]
    assert again == [1, 2, 3, 4]


@pytest.mark.engine
def test_every_writer_of_a_run_is_understood(tmp_path: Path) -> None:
    assert run(WRITERS, tmp_path) == [True, True, True, True, True, False]
    assert list(tmp_path.glob(".*")) == []
