"""Whether training works: how far each method moves the bundled base's pictures to the dataset.

Each run draws the captions of its dataset at fixed seeds, before the first step and after the last.
A drawn picture is compared with the dataset's pictures of that caption, at 32 px as the judge of
the base does; the figure is the mean distance after, as a share of the mean distance before. A
picture of a model that has learned nothing keeps its distance: 1.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.bench.rows import Result
from tests.bench.trainers import PROJECT
from training.base_models.tiny.location import tiny_base_dir
from training.base_models.tiny.recipe.trial import REPEATS, trigger_of, write_manifest
from training.engine.config.train import TrainConfig
from training.engine.presets.choosing import preset

SIDE = 32
PROMPTS = 6
TRIALS = {
    "lora": ("tiny-lora-subject", "owl"),
    "lora style": ("tiny-lora-style", "neon"),
    "dreambooth": ("tiny-dreambooth", "owl"),
    "textual_inversion": ("tiny-textual-inversion", "owl"),
    "hypernetwork": ("tiny-hypernetwork", "neon"),
}
WORD = "newword"


@dataclass(frozen=True)
class Moved:
    """Mean square distances at 32 px, pixels in 0 to 1."""

    before: float  # of the base's pictures to the dataset's
    after: float  # of the trained model's pictures to the dataset's
    away: float  # of the trained model's pictures to the base's
    seconds: float

    @property
    def share(self) -> float:
        """Return what is left of the distance to the dataset; below 1 is towards it."""
        return self.after / self.before


def learn(name: str, home: Path, changes: dict[str, Any] | None = None) -> Moved:
    """Train with the preset of a method, as the product would, and measure its samples."""
    key, dataset = TRIALS[name]
    home.mkdir(parents=True, exist_ok=True)
    config = _config(key, dataset, home, changes or {})
    (home / "run.toml").write_text(config.to_toml(), encoding="utf-8")
    command = [sys.executable, "-m", "training.engine", "train", str(home / "run.toml")]
    subprocess.run(
        [*command, "--fresh"],
        check=True,
        cwd=PROJECT,
        env={**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=1800,
    )
    return measure(home)


def measure(run_dir: Path) -> Moved:
    """Compare the first and the last samples of a run with its dataset."""
    manifest = json.loads((run_dir / "manifest.json").read_text(encoding="utf-8"))
    captions = _captions(manifest)
    targets: dict[str, list[np.ndarray]] = {caption: [] for caption in captions}
    for image in manifest["images"]:
        if image["caption"] in targets:
            targets[image["caption"]].append(_thumbnail(Path(image["path"])))
    first, last = _samples(run_dir, earliest=True), _samples(run_dir, earliest=False)
    wanted = [np.stack(pictures) for pictures in targets.values()]
    return Moved(
        before=_distance(first, wanted),
        after=_distance(last, wanted),
        away=float(np.mean([np.square(a - b).mean() for a, b in zip(first, last, strict=True)])),
        seconds=_seconds(run_dir),
    )


def _config(key: str, dataset: str, home: Path, changes: dict[str, Any]) -> TrainConfig:
    count = write_manifest(dataset, home / "manifest.json")
    manifest = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
    inverting = preset(key).method == "textual_inversion"
    prompts = [
        caption.replace(trigger_of(dataset), WORD) if inverting else caption
        for caption in _captions(manifest)
    ]
    settings = preset(key).settings_for(images=count, repeats=REPEATS)
    return TrainConfig.model_validate(
        {
            **settings,
            "sample_prompts": [f"{text} --d {seed}" for seed, text in enumerate(prompts, 1)],
            "sample_every_epochs": 1000,
            **changes,
            "output_name": WORD,
            "dataset_manifest": str(home / "manifest.json"),
            "base_model": {"path": str(tiny_base_dir()), "name": "Atelier Tiny"},
        }
    )


def _captions(manifest: dict[str, Any]) -> list[str]:
    """Return some captions of the dataset, each once, in its order."""
    return list(dict.fromkeys(image["caption"] for image in manifest["images"]))[:PROMPTS]


def _samples(run_dir: Path, *, earliest: bool) -> list[np.ndarray]:
    folder = run_dir / "samples"
    rounds = sorted({path.name.split("-p")[0] for path in folder.glob("*.png")})
    chosen = rounds[0] if earliest else rounds[-1]
    return [_thumbnail(path) for path in sorted(folder.glob(f"{chosen}-p*.png"))]


def _thumbnail(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.float32) / 255


def _distance(drawn: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    """Return the mean over pictures of the distance to the nearest wanted one of its caption."""
    found = [
        np.square(pictures - picture).mean(axis=(1, 2, 3)).min()
        for picture, pictures in zip(drawn, wanted, strict=True)
    ]
    return float(np.mean(found))


def _seconds(run_dir: Path) -> float:
    lines = (run_dir / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return float(json.loads(lines[-1]).get("seconds", 0.0))


def figures(home: Path) -> Iterator[Result]:
    """Yield a figure for each method, trained with the product's preset for the bundled base."""
    for name in TRIALS:
        row = f"bundled base, {name}: what is left of the distance to the dataset"
        folder = home / name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        moved = learn(name, folder)
        note = f"{moved.away:.4f} away from the base's pictures, {moved.seconds:.0f} s"
        yield Result(
            row, ours=moved.after, peer=moved.before, ratio=moved.share, must=0.9, strive=0.5,
            note=note,
        )  # fmt: skip
