"""The trainer as a program of its own name."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_atelier_train_is_the_program(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, _, name = PROJECT["project"]["scripts"]["atelier-train"].partition(":")
    run = getattr(importlib.import_module(place), name)
    monkeypatch.setattr(sys, "argv", ["atelier-train", "--help"])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 0
    assert "accelerate launch" in capsys.readouterr().out


@pytest.mark.engine
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("", "No data set is named. Set dataset_manifest"),
        ('dataset_manifest = "nowhere"', "There is no data set at"),
        ('dataset_manifest = "."', "No base model is named. Set base_model.path"),
    ],
)
def test_what_a_run_lacks_is_said_once(
    settings: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.engine.cli import main

    Image.new("RGB", (64, 64)).save(tmp_path / "picture.png")
    (tmp_path / "config.toml").write_text(settings, "utf-8")
    assert main(["train", str(tmp_path / "config.toml")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith(sentence)] == said[-1:]
    assert sum(sentence in line for line in said) == 1


@pytest.mark.engine
def test_a_run_that_is_over_says_so_and_a_persons_own_settings_stay_as_they_wrote_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.factories.engine import Recorder
    from training.engine.cli import main
    from training.engine.config.train import TrainConfig
    from training.engine.events import Finished
    from training.engine.runs.outputs import RunFolder

    path, own = tmp_path / "config.toml", '# mine\noutput_name = "mine"\n'
    path.write_text(own, "utf-8")
    config = TrainConfig.from_toml(path).resolved()
    run = RunFolder(tmp_path, config, Recorder())
    file = {"path": "checkpoints/mine.safetensors", "sha256": "", "loss": 0.1, "seconds": 1.0}
    run.journal.emit(Finished(reason="completed", step=7, total_steps=7, **file))
    run.journal.close()
    assert main(["train", str(path)]) == 0
    said = capsys.readouterr().err
    assert "over before" in said
    assert "mine.safetensors after 7 steps" in said
    assert path.read_text("utf-8") == own
    RunFolder(tmp_path, config.model_copy(update={"seed": 7}), Recorder()).journal.close()
    assert TrainConfig.from_toml(path).seed == 7


def test_what_it_needs_alone_is_what_the_hub_trains_with() -> None:
    alone = set(PROJECT["project"]["optional-dependencies"]["train"])
    groups = PROJECT["dependency-groups"]
    assert set(groups["train"]) <= alone <= set(groups["train"]) | set(groups["server"])


MISSING = """
import atexit, os
class Big:
    def __del__(self): os.write(2, b"taken apart")
big = Big()
atexit.register(print, "the last thing")
raise ModuleNotFoundError(name='pydantic')
"""


def test_without_its_packages_it_says_how_to_get_them_and_leaves_at_once_but_in_order(
    tmp_path: Path,
) -> None:
    (tmp_path / "pydantic.py").write_text(MISSING, "utf-8")
    program = (
        "import runpy, sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "runpy.run_module('training.engine', run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "pip install 'atelier[train]'" in ended.stderr
    assert ended.stdout == "the last thing\n"
    assert "taken apart" not in ended.stderr
