"""One sitting of UNet training: starts the worker processes and resumes what is there."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as processes

from training.base_models.tiny.recipe.network import CompactTokens
from training.base_models.tiny.recipe.pace import Pace
from training.base_models.tiny.recipe.pool import Pool, in_lesson
from training.base_models.tiny.recipe.train_unet import (
    TrainingSet,
    UnetOptions,
    UnetTrainer,
    train,
)
from training.base_models.tiny.recipe.workshop import Workshop


@dataclass(frozen=True)
class Sitting:
    """What one sitting needs; `resume` is a state file or an exported pipeline folder."""

    workshop: Workshop
    pace: Pace
    options: UnetOptions
    workers: int = 2
    resume: Path | None = None


def run_sitting(sitting: Sitting) -> None:
    """Train with one single-threaded process per worker: two threads in one are slower."""
    meeting = sitting.workshop.root / f"meeting-{os.getpid()}"
    if sitting.workers == 1:
        _work(0, sitting, meeting)
        return
    processes.spawn(_work, args=(sitting, meeting), nprocs=sitting.workers)
    meeting.unlink(missing_ok=True)


def _work(worker: int, sitting: Sitting, meeting: Path) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    prepare_process()
    if sitting.workers > 1:
        dist.init_process_group(
            "gloo",
            init_method=f"file://{meeting}",
            rank=worker,
            world_size=sitting.workers,
        )
    shop = sitting.workshop
    tokens = CompactTokens.load(shop.tokenizer)
    data = load_training_set(shop)
    trainer = UnetTrainer(tokens, data, sitting.options, worker)
    if sitting.resume is not None and sitting.resume.is_dir():
        trainer.load_pipeline(sitting.resume)
    elif sitting.resume is not None:
        trainer.load_state(torch.load(sitting.resume, weights_only=True))
    train(trainer, sitting.pace, workers=sitting.workers, state_path=shop.unet_state)


def load_training_set(shop: Workshop) -> TrainingSet:
    """Read the cached latents and the scenes of the lesson, in the order of `Pool.lesson`."""
    scenes = Pool.load(shop.pool).scenes
    rows = [i for i, scene in enumerate(scenes) if in_lesson(scene)]
    latents = torch.from_numpy(np.load(shop.latents)[rows])
    return TrainingSet.build(latents, [scenes[i] for i in rows], shop.scaling_factor())


def prepare_process() -> None:
    """One thread, and denormal numbers flushed to zero: both matter for speed on a CPU."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
