"""Try one of the product's presets on a demonstration dataset, as a run of the product would."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from PIL import Image

from training.base_models.tiny.location import tiny_base_dir, tiny_demo_dir
from training.engine.config.train import TrainConfig
from training.engine.presets.choosing import preset

REPEATS: Final = 10
PROMPTS: Final[dict[str, tuple[str, ...]]] = {
    # dataset -> prompts that show what was learned, on things of the dataset and on others
    "neon": ("a cat, {}", "a sailboat, {}", "a fox, {}", "a rocket, {}"),
    "owl": (
        "a {}, cartoon style, blue background",
        "a {}, flat style, pink background",
        "a {}, cartoon style, white background",
        "a penguin, cartoon style, white background",
    ),
}


def write_manifest(dataset: str, path: Path) -> int:
    """Write the engine's manifest of a demonstration dataset; returns the number of pictures."""
    pictures = sorted((tiny_demo_dir() / dataset).rglob("*.png"))
    images = [_manifest_row(picture) for picture in pictures]
    trigger = trigger_of(dataset)
    content = {"version": 1, "name": dataset, "trigger_word": trigger, "images": images}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return len(images)


def _manifest_row(picture: Path) -> dict[str, Any]:
    with Image.open(picture) as opened:
        width, height = opened.size
    return {
        "id": picture.stem,
        "path": str(picture),
        "sha256": hashlib.sha256(picture.read_bytes()).hexdigest(),
        "caption": picture.with_suffix(".txt").read_text(encoding="utf-8").strip(),
        "width": width,
        "height": height,
        "repeats": REPEATS,
    }


def trigger_of(dataset: str) -> str:
    """Return the trigger word, which names the dataset's only folder after its repeats."""
    (folder,) = (path for path in (tiny_demo_dir() / dataset).iterdir() if path.is_dir())
    return folder.name.split("_", 1)[1]


def trial_config(key: str, dataset: str, run_dir: Path, changes: dict[str, Any]) -> TrainConfig:
    """Return the preset's settings for the dataset; `changes` replaces top-level settings."""
    manifest = run_dir / "manifest.json"
    count = write_manifest(dataset, manifest)
    # an embedding is called by its own name, which is that of its file
    word = key if preset(key).method == "textual_inversion" else trigger_of(dataset)
    prompts = [
        f"{prompt.format(word)} --d {seed}" for seed, prompt in enumerate(PROMPTS[dataset], 1)
    ]
    return TrainConfig.model_validate(
        {
            **preset(key).settings_for(images=count, repeats=REPEATS),
            "sample_prompts": prompts,
            **changes,
            "output_name": key,
            "dataset_manifest": str(manifest),
            "base_model": {"path": str(tiny_base_dir()), "name": "Atelier Tiny"},
        }
    )


def try_preset(key: str, dataset: str, run_dir: Path, changes: dict[str, Any]) -> None:
    """Train with a preset in `run_dir`."""
    run_dir.mkdir(parents=True, exist_ok=True)
    toml = run_dir / "run.toml"
    config = trial_config(key, dataset, run_dir, changes)
    toml.write_text(config.to_toml(), encoding="utf-8")
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
