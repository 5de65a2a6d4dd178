"""Last stage: teach the decoder to draw cleanly from the UNet's own, slightly wrong latents.

Training pictures are noised half-way and denoised by the UNet, so the picture that each latent
should give is known. Every step also takes ordinary icons, so that new subjects stay possible.
"""

import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline
from torch import Tensor

from training.base_models.tiny.recipe.captions import Scene, full_caption
from training.base_models.tiny.recipe.colours import Pixels
from training.base_models.tiny.recipe.library import Library
from training.base_models.tiny.recipe.pace import Pace, rate_factor
from training.base_models.tiny.recipe.pictures import picture_loss, to_tensor
from training.base_models.tiny.recipe.pool import Pool
from training.base_models.tiny.recipe.train_decoder import DecoderTrainer

log = logging.getLogger(__name__)

SEED: Final = 4
LEARNING_RATE: Final = 5e-4
GUIDANCE: Final = 2.5
DENOISE_STEPS: Final = 5
START_RANGE: Final = (350, 800)
BATCH: Final = 16


@dataclass(frozen=True)
class DrawnLatents:
    """Latents that the UNet made, unscaled (N, 8, 16, 16), and the pictures they stand for."""

    latents: Tensor
    pictures: Pixels


@torch.no_grad()
def draw_latents(
    pipeline: StableDiffusionPipeline, pool: Pool, latents: Tensor, count: int
) -> DrawnLatents:
    """Noise and denoise `count` pictures of the pool; `latents` are the pool's, scaled."""
    rng = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    rows = rng.permutation(len(pool.scenes))[:count]
    made = []
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        scenes = [pool.scenes[i] for i in part]
        first = int(rng.integers(*START_RANGE))
        made.append(_denoise(pipeline, latents[torch.from_numpy(part)], scenes, first))
    factor = pipeline.vae.config.scaling_factor
    return DrawnLatents(torch.cat(made) / factor, pool.pictures[rows])


def _denoise(
    pipeline: StableDiffusionPipeline, clean: Tensor, scenes: list[Scene], first: int
) -> Tensor:
    schedule = DDIMScheduler.from_config(pipeline.scheduler.config)
    words = [*([""] * len(scenes)), *map(full_caption, scenes)]
    ids = pipeline.tokenizer(
        words, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
    ).input_ids
    text = pipeline.text_encoder(ids)[0]
    times = np.linspace(first, 0, DENOISE_STEPS + 1).astype(int)
    x = schedule.add_noise(clean, torch.randn_like(clean), torch.full((len(clean),), first))
    for now, then in pairwise(times.tolist()):
        empty, full = pipeline.unet(torch.cat([x, x]), now, text).sample.chunk(2)
        velocity = empty + GUIDANCE * (full - empty)
        signal, noise = _rates(schedule, now)
        predicted = signal * x - noise * velocity
        error = signal * velocity + noise * x
        signal, noise = _rates(schedule, then)
        x = signal * predicted + noise * error
    return predicted


def _rates(schedule: DDIMScheduler, t: int) -> tuple[Tensor, Tensor]:
    share = schedule.alphas_cumprod[t]
    return share.sqrt(), (1 - share).sqrt()


def refine_decoder(
    vae: AutoencoderKL, drawn: DrawnLatents, library: Library, pace: Pace, out: Path
) -> None:
    """Train the decoder on drawn latents and on ordinary icons, one of each per step."""
    rng = np.random.default_rng(SEED)
    trainer = DecoderTrainer(vae, LEARNING_RATE, ema=0.99)
    losses: list[tuple[float, float]] = []
    while (done := pace.position(trainer.step)[0]) < 1:
        i = int(rng.integers(len(drawn.latents)))
        wanted = to_tensor(drawn.pictures[i : i + 1])
        from_unet = picture_loss(vae.decode(drawn.latents[i : i + 1]).sample, wanted, square=0.3)
        icon = to_tensor(library.picture(rng)[None])
        with torch.no_grad():
            latent = vae.encode(icon).latent_dist.mean
        ordinary = picture_loss(vae.decode(latent).sample, icon, square=0.3)
        trainer.update(from_unet + ordinary, rate_factor(trainer.step, done, warmup=30))
        losses.append((from_unet.item(), ordinary.item()))
        if trainer.step % 200 == 0:
            log.info("refine step %d: %.4f drawn, %.4f ordinary", trainer.step, *_mean(losses))
    trainer.swap_average()
    vae.save_pretrained(out)


def _mean(losses: list[tuple[float, float]]) -> tuple[float, float]:
    drawn, ordinary = np.mean(losses[-200:], 0)
    return float(drawn), float(ordinary)
