"""One named starting point for a run: what it sets and what it takes. Torch-free.

A preset belongs to a method, a family of base models and the kinds of subject it is good for.
Figures for SD 1.5 and SDXL follow what the public trainers and courses recommend; those of the
bundled base were measured on two CPU cores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from training.engine.config.train import TrainConfig
from training.engine.estimate import Estimate, estimate

KINDS = ("character", "style", "object", "clothing")
USUAL_IMAGES = 24
CHECKPOINTS_WANTED = 5  # about so many files and rounds of samples in a run


@dataclass(frozen=True)
class Preset:
    """A starting point, for the device that it is meant for."""

    id: str
    method: str
    family: str
    kinds: tuple[str, ...]
    title: str
    sentence: str
    steps: int  # for a data set of usual size; see settings_for
    steps_per_image: int  # 0: the number of steps does not follow the pictures
    device: str
    settings: dict[str, Any]

    @property
    def minutes(self) -> float:
        """Return about how long it takes with a data set of usual size."""
        return round(self.estimate_for(images=USUAL_IMAGES).seconds / 60, 1)

    @property
    def memory_gib(self) -> float:
        """Return about how much memory it takes."""
        return round(self.estimate_for(images=USUAL_IMAGES).memory_bytes / 2**30, 1)

    def estimate_for(self, *, images: int, repeats: float = 1.0) -> Estimate:
        """Return what a run on a data set takes, with three sample prompts."""
        settings = self.settings_for(images=images, repeats=repeats)
        architecture = {"architecture": self.family}
        config = TrainConfig.parse(
            {**settings, "sample_prompts": ["1", "2", "3"], "base_model": architecture}
        )
        return estimate(config, images=images, repeats=repeats, device=self.device)

    def settings_for(self, *, images: int, repeats: float = 1.0) -> dict[str, Any]:
        """Return the settings for a data set, with about five checkpoints over the run.

        The keys are those of TrainConfig without base_model, dataset_manifest and output_name.
        """
        steps = self.steps
        if self.steps_per_image:
            steps = max(self.steps // 3, min(self.steps * 3, images * self.steps_per_image))
        batch = self.settings["batch_size"] * self.settings.get("gradient_accumulation", 1)
        per_epoch = max(1, math.ceil(images * repeats / batch))
        epochs = max(1, round(steps / per_epoch))
        every = epochs_between_checkpoints(epochs)
        return {
            "method": self.method,
            **self.settings,
            "epochs": epochs,
            "save_every_epochs": every,
            "sample_every_epochs": every,
        }


def epochs_between_checkpoints(epochs: int) -> int:
    """Return how often to save and to draw samples, for about five checkpoints over a run."""
    return max(1, epochs // CHECKPOINTS_WANTED)
