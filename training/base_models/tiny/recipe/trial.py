"""Try a preset of the demonstration with the training engine, as a run of the product would."""

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from training.base_models.tiny.location import tiny_base_dir, tiny_demo_dir
from training.engine.config import TrainConfig


def find_preset(key: str) -> dict[str, Any]:
    """Return one preset of `demo/presets.toml`; raises KeyError."""
    presets = tomllib.loads((tiny_demo_dir() / "presets.toml").read_text(encoding="utf-8"))
    for preset in presets["preset"]:
        if preset["key"] == key:
            return dict(preset)
    raise KeyError(key)


def write_manifest(preset: dict[str, Any], path: Path) -> None:
    """Write the engine's manifest of the preset's dataset."""
    pictures = sorted((tiny_demo_dir() / preset["dataset"]).rglob("*.png"))
    images = [
        {
            "id": picture.stem,
            "path": str(picture),
            "sha256": hashlib.sha256(picture.read_bytes()).hexdigest(),
            "caption": picture.with_suffix(".txt").read_text(encoding="utf-8").strip(),
            "width": 256,
            "height": 256,
            "repeats": preset["repeats"],
        }
        for picture in pictures
    ]
    content = {"version": 1, "name": preset["dataset"], "images": images}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def try_preset(key: str, run_dir: Path, changes: dict[str, Any]) -> None:
    """Train with a preset in `run_dir`; `changes` replaces top-level settings."""
    preset = find_preset(key)
    run_dir.mkdir(parents=True, exist_ok=True)
    manifest = run_dir / "manifest.json"
    write_manifest(preset, manifest)
    config = {
        **preset["config"],
        **changes,
        "output_name": key,
        "dataset_manifest": str(manifest),
        "base_model": {"path": str(tiny_base_dir()), "name": "Atelier Tiny"},
    }
    toml = run_dir / "run.toml"
    toml.write_text(TrainConfig.model_validate(config).to_toml(), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "training.engine",
        "train",
        str(toml),
        "--run-dir",
        str(run_dir),
    ]
    subprocess.run([*command, "--fresh"], check=True)  # noqa: S603 (our own program)
