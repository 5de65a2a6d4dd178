"""The folder of a run: what lies where, and how it is written so that a kill leaves it valid.

config.toml · events.jsonl · run.json · state/state.safetensors · checkpoints/ · samples/
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from training.engine.config.train import TrainConfig
from training.engine.errors import ConfigError
from training.engine.events import Listener
from training.engine.files.dates import date_now
from training.engine.files.file_writing import remove_leftovers, write_text
from training.engine.runs.journal import Journal

# Settings that name a place.
PATHS = ("dataset_manifest", "class_folder", "initial_weights", "base_weights")


@dataclass(frozen=True)
class RunIdentity:
    """What stays the same over all sittings of a run; `started_at` is in Unix seconds."""

    started_at: float
    session_id: str = ""  # kohya's number for the files of one run, known once the pictures are
    compute: str = ""  # the number format chosen in the first sitting
    settings: str = ""  # a hash of the settings of the last sitting


class RunFolder:
    """The files of one run."""

    def __init__(
        self,
        path: Path,
        config: TrainConfig,
        listener: Listener,
        *,
        resume: bool = True,
        replay_after: int | None = None,
        state_of: Path | None = None,
    ) -> None:
        """Open a folder; `state_of` is another run folder whose state is read instead."""
        self.path = path
        self._state_of = state_of or path
        self.config = config
        if not resume:
            self._clear()
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        self.samples.mkdir(exist_ok=True)
        self.state_path.parent.mkdir(parents=True, exist_ok=True)  # whichever process comes first
        remove_leftovers(path)
        self._keep_settings()
        self.identity = self._identity()
        settings = _settings_hash(config)
        self.has_same_settings = self.identity.settings == settings
        self._remember(settings=settings)
        self.journal = Journal(path / "events.jsonl", listener, replay_after=replay_after)

    @property
    def checkpoints(self) -> Path:
        """Return the folder of finished files."""
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        """Return the folder of sample pictures."""
        return self.path / "samples"

    @property
    def state_path(self) -> Path:
        """Return the one resumable state."""
        return self._state_of / "state" / "state.safetensors"

    def checkpoint_path(self, epoch: int | None, extension: str) -> Path:
        """Return where the file of an epoch goes, or the final one."""
        name = self.config.output_name
        stem = name if epoch is None else f"{name}-e{epoch:04d}"
        return self.checkpoints / f"{stem}{extension}"

    def sample_path(self, epoch: int, prompt_index: int, *, step: int | None = None) -> Path:
        """Return where a sample of an epoch, or of a step, goes; prompts count from 0."""
        moment = f"e{epoch:04d}" if step is None else f"s{step:06d}"
        return self.samples / f"{moment}-p{prompt_index:02d}.png"

    def relative(self, path: Path) -> str:
        """Return a path as events tell it."""
        return path.relative_to(self.path).as_posix()

    def _keep_settings(self) -> None:
        """Write the settings, unless a person's own file here says the same, comments and all."""
        path = self.path / "config.toml"
        try:
            known = path.exists() and TrainConfig.from_toml(path).resolved() == self.config
        except ConfigError:
            known = False
        if not known:
            write_text(path, self.config.to_toml())

    def _identity(self) -> RunIdentity:
        path = self.path / "run.json"
        if path.exists():
            data = json.loads(path.read_text(encoding="utf-8"))
            return RunIdentity(**data)
        identity = RunIdentity(date_now())
        write_text(path, json.dumps(asdict(identity)))
        return identity

    def remember_compute(self, compute: str) -> None:
        """Keep the number format for later sittings, since another one would change the result."""
        self._remember(compute=compute)

    def session_id(self, *inputs: str) -> str:
        """Return the number of this run, of 32 bits: of its first settings and the inputs' hashes.

        Kohya's scripts draw one at random, by which two runs of one file of settings would differ.
        """
        if not self.identity.session_id:
            text = " ".join((self.identity.settings, *inputs))
            number = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
            self._remember(session_id=str(number))
        return self.identity.session_id

    def _remember(self, **values: Any) -> None:
        self.identity = replace(self.identity, **values)
        write_text(self.path / "run.json", json.dumps(asdict(self.identity)))

    def _clear(self) -> None:
        for name in ("state", "checkpoints", "samples"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in ("events.jsonl", "run.json"):
            (self.path / name).unlink(missing_ok=True)


def _settings_hash(config: TrainConfig) -> str:
    """Return a hash of what decides a run; where its files lie on this machine does not."""
    data = config.model_dump(mode="json", exclude=set(PATHS))
    data["base_model"].pop("path")
    data["sampling"].pop("library")
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
