"""Train the UNet and the text encoder on cached latents; several processes, resumable.

Every draw depends only on (seed, worker, step), so that a resumed run continues the same sequence.
With several workers each one trains alone and the weights are averaged every few steps.
"""

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.distributed as dist
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray
from torch import Tensor, nn

from training.base_models.tiny.recipe.analytic_vae import LOG_VARIANCE
from training.base_models.tiny.recipe.captions import Scene, training_caption
from training.base_models.tiny.recipe.network import (
    CompactTokens,
    build_text_encoder,
    build_unet,
    compact_text_encoder,
    training_schedule,
)
from training.base_models.tiny.recipe.pace import Pace, rate_factor
from training.base_models.tiny.recipe.world import NEW_IN_LESSON
from training.engine.attention import PLAIN_SCORES, take_plain_form
from training.engine.parts.unet import UNet2DConditionModel

log = logging.getLogger(__name__)

NEW_WEIGHT: Final = 2.5


@dataclass(frozen=True)
class UnetOptions:
    """Settings of one sitting."""

    learning_rate: float = 1e-3
    batch: int = 16
    ema: float = 0.995
    seed: int = 0
    timestep_power: float = 1.25
    average_every: int = 8
    bf16: bool = True
    warmup: int = 50


@dataclass(frozen=True)
class TrainingSet:
    """Cached latents (N, 8, 16, 16), already scaled, and the scene and share of each."""

    latents: Tensor
    scenes: list[Scene]
    deviation: float
    shares: NDArray[np.float64]

    @classmethod
    def build(cls, latents: Tensor, scenes: list[Scene], scaling_factor: float) -> "TrainingSet":
        """Combine the encoder's means with its constant deviation."""
        new = [bool(NEW_IN_LESSON & {scene.subject, scene.style}) for scene in scenes]
        weights = np.where(new, NEW_WEIGHT, 1.0)
        deviation = math.exp(LOG_VARIANCE / 2) * scaling_factor
        return cls(latents, scenes, deviation, weights / weights.sum())


class UnetTrainer:
    """Weights, moving average and optimizer of one worker."""

    def __init__(
        self, tokens: CompactTokens, data: TrainingSet, options: UnetOptions, worker: int = 0
    ) -> None:
        """Start from random weights; `load_state` or `load_pipeline` replaces them."""
        torch.manual_seed(options.seed)
        self.tokens, self.data, self.options, self.worker = tokens, data, options, worker
        start = build_unet()
        self.unet = UNet2DConditionModel(start.config)
        self.unet.load_state_dict(start.state_dict())
        placed: Any = self.unet  # torch's own types leave this argument out
        placed.to(memory_format=torch.channels_last)
        take_plain_form(self.unet, PLAIN_SCORES)
        self.text_encoder = build_text_encoder(len(tokens.used))
        self.schedule = training_schedule()
        self.parameters = [*self.unet.parameters(), *self.text_encoder.parameters()]
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=options.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=0.01,
            fused=True,
        )
        self.average = [p.detach().clone() for p in self.parameters]
        self.step = 0
        self._rows: dict[str, Tensor] = {}

    def train_step(self, rate: float) -> float:
        """Take one optimizer step at `rate` times the learning rate; returns the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.learning_rate * rate
        loss = self._loss()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.options.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - keep)
        return loss.item()

    def _loss(self) -> Tensor:
        key = [self.options.seed, self.worker, self.step]
        rng = np.random.default_rng(key)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        count = self.options.batch
        rows = torch.from_numpy(rng.choice(len(self.data.scenes), size=count, p=self.data.shares))
        captions = [training_caption(self.data.scenes[i], rng) for i in rows.tolist()]
        shape = self.data.latents[rows].shape
        clean = self.data.latents[rows]
        clean = clean + self.data.deviation * torch.randn(shape, generator=generator)
        noise = torch.randn(shape, generator=generator)
        # one timestep from each of `count` equal parts: less gradient noise in small batches
        share = (torch.arange(count) + torch.rand(count, generator=generator)) / count
        t = (share**self.options.timestep_power * 1000).long().clamp(0, 999)
        noisy = self.schedule.add_noise(clean, noise, t).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bf16):
            text = self.text_encoder(self._token_rows(captions))[0]
            predicted = self.unet(noisy, t, text).sample
        target = self.schedule.get_velocity(clean, noise, t)
        return nn.functional.mse_loss(predicted.float(), target)

    def _token_rows(self, captions: list[str]) -> Tensor:
        unknown = sorted({c for c in captions if c not in self._rows})
        if unknown:
            self._rows.update(zip(unknown, self.tokens.encode(unknown), strict=True))
        return torch.stack([self._rows[c] for c in captions])

    def share_weights(self, workers: int) -> None:
        """Average the weights over the workers (local SGD); each keeps its own optimizer."""
        with torch.no_grad():
            flat = torch.cat([p.reshape(-1) for p in self.parameters])
            dist.all_reduce(flat)
            flat /= workers
            sizes = [p.numel() for p in self.parameters]
            for parameter, mean in zip(self.parameters, flat.split(sizes), strict=True):
                parameter.copy_(mean.view(parameter.shape))

    def state(self) -> dict[str, Any]:
        """Return everything that a later sitting needs."""
        return {
            "unet": self.unet.state_dict(),
            "text_encoder": self.text_encoder.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "used": self.tokens.used,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from `state`; raises ValueError where the captions have other tokens."""
        if state["used"] != self.tokens.used:
            raise ValueError("The saved state was trained with other caption tokens.")
        self.unet.load_state_dict(state["unet"])
        self.text_encoder.load_state_dict(state["text_encoder"])
        self.optimizer.load_state_dict(state["optimizer"])
        for mine, saved in zip(self.average, state["average"], strict=True):
            mine.copy_(saved)
        self.step = state["step"]

    def load_pipeline(self, folder: Path) -> None:
        """Continue from exported weights: no optimizer state, step 0."""
        pipeline = StableDiffusionPipeline.from_pretrained(
            folder, dtype=torch.float32, safety_checker=None, local_files_only=True
        )
        self.unet.load_state_dict(pipeline.unet.state_dict())
        compact = compact_text_encoder(pipeline.text_encoder, self.tokens.used)
        self.text_encoder.load_state_dict(compact.state_dict())
        for mine, loaded in zip(self.average, self.parameters, strict=True):
            mine.copy_(loaded.detach())

    def averaged_weights(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the moving averages as (UNet state, compact text-encoder state)."""
        values = iter(self.average)
        unet = {name: next(values).clone() for name, _ in self.unet.named_parameters()}
        text = {name: next(values).clone() for name, _ in self.text_encoder.named_parameters()}
        return unet, text


def train(
    trainer: UnetTrainer, pace: Pace, *, workers: int, state_path: Path, save_seconds: float = 240
) -> None:
    """Run one sitting: train, average over workers, save.

    The state just before the anneal is kept with the ending `.plateau`: a later sitting starts
    there, since a weight at the end of its anneal is a poor place to go on from.
    """
    diary = _Diary(trainer, workers)
    saved, plateau_kept, leads = time.monotonic(), False, trainer.worker == 0
    position = torch.zeros(2)
    while True:
        if diary.steps % trainer.options.average_every == 0:
            position[:] = torch.tensor(pace.position(trainer.step))
            if workers > 1:
                dist.broadcast(position, 0)  # all workers stop after the same step
                trainer.share_weights(workers)
            if position[0] >= 1:
                break
            if leads and time.monotonic() - saved > save_seconds:
                saved = time.monotonic()
                save_state(trainer, state_path)
        anneal = float(position[1])
        if leads and anneal > 0 and not plateau_kept:
            save_state(trainer, state_path.with_suffix(".plateau"))
            plateau_kept = True
        rate = rate_factor(trainer.step, anneal, trainer.options.warmup)
        diary.write(trainer.train_step(rate), anneal)
    if leads:
        save_state(trainer, state_path)


class _Diary:
    """Logs loss and speed every 50 steps of the leading worker."""

    def __init__(self, trainer: UnetTrainer, workers: int) -> None:
        self._trainer, self._workers = trainer, workers
        self._losses: list[float] = []
        self._begun = time.monotonic()

    @property
    def steps(self) -> int:
        return len(self._losses)

    def write(self, loss: float, anneal: float) -> None:
        self._losses.append(loss)
        if self._trainer.worker != 0 or self._trainer.step % 50:
            return
        pictures = self.steps * self._trainer.options.batch
        log.info(
            "step %d loss %.4f anneal %.2f %.1f pictures/s, %.1f per core-second",
            self._trainer.step,
            float(np.mean(self._losses[-200:])),
            anneal,
            pictures * self._workers / (time.monotonic() - self._begun),
            pictures / time.process_time(),
        )


def save_state(trainer: UnetTrainer, path: Path) -> None:
    """Write the state beside and rename, so that a kill leaves a whole file."""
    part = path.with_name(path.name + ".part")
    torch.save(trainer.state(), part)
    part.replace(path)
