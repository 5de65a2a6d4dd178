"""Draw pictures with a pipeline: one seed per picture, whatever the batch."""

from dataclasses import dataclass

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

from training.base_models.tiny.recipe.analytic_vae import LATENT_CHANNELS
from training.base_models.tiny.recipe.colours import Pixels
from training.base_models.tiny.recipe.network import LATENT_SIDE


@dataclass(frozen=True)
class SamplerSettings:
    """The settings that the figures in the model card were made with."""

    steps: int = 20
    guidance: float = 2.5
    batch: int = 16


def use_dpm_solver(pipeline: StableDiffusionPipeline) -> None:
    """Sample with DPM++ 2M, which needs fewer steps than DDIM."""
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
        pipeline.scheduler.config, algorithm_type="dpmsolver++", solver_order=2
    )
    pipeline.set_progress_bar_config(disable=True)


def draw(
    pipeline: StableDiffusionPipeline,
    prompts: list[str],
    seeds: list[int],
    settings: SamplerSettings | None = None,
) -> Pixels:
    """Return one picture per prompt, (N, 128, 128, 3)."""
    settings = settings or SamplerSettings()
    shape = (1, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE)
    drawn = []
    for start in range(0, len(prompts), settings.batch):
        part = slice(start, start + settings.batch)
        sources = [torch.Generator().manual_seed(seed) for seed in seeds[part]]
        noise = [torch.randn(shape, generator=source) for source in sources]
        images = pipeline(
            prompts[part],
            latents=torch.cat(noise),
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance,
            output_type="np",
        ).images
        drawn.append((images * 255).round().astype(np.uint8))
    return np.concatenate(drawn)
