"""How each trainer is started on the same base, pictures and adapted modules."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.geometry import TOKENIZER, Base
from tests.bench.material import Material
from training.engine.config.train import TrainConfig

PROJECT = Path(__file__).resolve().parents[2]
RANK = 16
RATE = 1e-4
MANY_STEPS = 100  # more than are measured: a run ends when it has been seen enough
TOKENIZER_OF_KOHYA = "openai_clip-vit-large-patch14"


@dataclass(frozen=True)
class Program:
    """A trainer's command line; `constants` are values of its modules that this base needs."""

    name: str
    python: Path
    arguments: tuple[str, ...]
    folder: Path
    constants: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """What is trained on what: the same for both sides of a pair."""

    base: Base
    material: Material
    size: int
    home: Path

    def new_folder(self, name: str) -> Path:
        """Return an empty folder for one run."""
        folder = self.home / "runs" / f"{name}-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        return folder


class PeerMissingError(Exception):
    """A peer's checkout is not there; the words are for the row."""


def _peer(checkout: str) -> tuple[Path, Path]:
    """Return a peer's checkout and the Python that has what it needs."""
    home = os.environ.get("PEERS_HOME", "")
    if not home:
        raise PeerMissingError("PEERS_HOME is not set")
    folder = Path(home) / checkout
    if not folder.is_dir():
        raise PeerMissingError(f"PEERS_HOME has no folder {checkout}")
    own = folder / ".venv" / "bin" / "python"
    named = os.environ.get(f"PEERS_PYTHON_{checkout.replace('-', '_').upper()}")
    return folder, Path(named or (own if own.exists() else sys.executable))


def ours_config(setting: Setting, method: str = "lora", **changes: Any) -> TrainConfig:
    """Return the settings of our own run."""
    data: dict[str, Any] = {
        "method": method,
        "output_name": "bench",
        "base_model": {
            "path": str(setting.base.for_kohya),
            "name": "Random",
            "architecture": "sd1",
            "sha256": "0" * 64,  # the hub gives it with the job
        },
        "dataset_manifest": str(setting.material.manifest),
        "resolution": setting.size,
        "batch_size": 1,
        "max_steps": MANY_STEPS,
        "learning_rate": RATE,
        "mixed_precision": "no",
        "buckets": {"enabled": False},
        "save_every_epochs": 0,
        "sample_every_epochs": 0,
        "network": {"dim": RANK, "alpha": float(RANK)},
    }
    return TrainConfig.parse({**data, **changes})


def ours(setting: Setting, method: str = "lora", **changes: Any) -> Program:
    """Return our engine, with a cache of its own that is empty."""
    folder = setting.new_folder("ours")
    config = ours_config(setting, method, **changes)
    (folder / "config.toml").write_text(config.to_toml(), encoding="utf-8")
    arguments = ("-m", "training.engine", "train", str(folder / "config.toml"))
    return Program("ours", Path(sys.executable), arguments, PROJECT)


def kohya(setting: Setting, *more: str) -> Program:
    """Return kohya's train_network.py, UNet and text encoder, with its own defaults."""
    checkout, python = _peer("sd-scripts")
    folder = setting.new_folder("kohya")
    tokenizers = setting.home / "tokenizers"
    shutil.copytree(TOKENIZER, tokenizers / TOKENIZER_OF_KOHYA, dirs_exist_ok=True)
    given = {
        "pretrained_model_name_or_path": setting.base.for_kohya,
        "train_data_dir": setting.material.kohya,
        "output_dir": folder,
        "output_name": "bench",
        "resolution": setting.size,
        "train_batch_size": 1,
        "max_train_steps": MANY_STEPS,
        "learning_rate": RATE,
        "network_module": "networks.lora",
        "network_dim": RANK,
        "network_alpha": RANK,
        "save_model_as": "safetensors",
        "mixed_precision": "no",
        "max_data_loader_n_workers": 0,
        "caption_extension": ".txt",
        "tokenizer_cache_dir": tokenizers,
        "seed": 1,
    }
    arguments = (str(checkout / "train_network.py"), *_options(given), *more)
    return Program("kohya", python, arguments, checkout, _constants(setting), _OFFLINE)


def _constants(setting: Setting) -> tuple[str, ...]:
    """Return the sizes that kohya's UNet has as constants of a module, for a small base."""
    geometry = setting.base.geometry
    if geometry.as_file:
        return ()
    module = "library.original_unet"
    values = {
        "BLOCK_OUT_CHANNELS": list(geometry.unet_channels),
        "TIMESTEP_INPUT_DIM": geometry.unet_channels[0],
        "TIME_EMBED_DIM": geometry.time_width,
    }
    return tuple(f"{module}:{name}={json.dumps(value)}" for name, value in values.items())


def diffusers(setting: Setting, script: str, data: str, **more: Any) -> Program:
    """Return one of diffusers' example scripts; `data` names its option for the pictures."""
    checkout, python = _peer("diffusers")
    folder = setting.new_folder("diffusers")
    pictures = setting.material.pictures
    given = {
        "pretrained_model_name_or_path": setting.base.folder,
        data: setting.material.imagefolder if "text_to_image" in script else pictures,
        "output_dir": folder,
        "resolution": setting.size,
        "train_batch_size": 1,
        "max_train_steps": MANY_STEPS,
        "learning_rate": RATE,
        "dataloader_num_workers": 0,
        "seed": 1,
        "report_to": "tensorboard",
        **more,
    }
    given.pop("report_to")
    arguments = (str(checkout / "examples" / script), *_options(given))
    return Program("diffusers", python, arguments, checkout, (), _OFFLINE)


_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def _options(given: dict[str, Any]) -> tuple[str, ...]:
    """Return a command line; a value of None stands for a switch."""
    words: list[str] = []
    for name, value in given.items():
        words += [f"--{name}"] if value is None else [f"--{name}", str(value)]
    return tuple(words)
