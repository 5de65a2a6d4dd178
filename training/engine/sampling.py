"""Making pictures with the parts of a base model as they are now, trained additions included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from training.engine.components import Components
from training.engine.prompts import PromptRequest
from training.engine.samplers import make_scheduler
from training.engine.text import Conditioning, TextConditioner

GROUP = 8  # pictures made in one pass; on a CPU this is twice as fast as one by one


def make_pictures(
    components: Components,
    conditioner: TextConditioner,
    requests: list[PromptRequest],
    *,
    on_picture: Callable[[int, Image.Image], None],
    group: int = GROUP,
) -> None:
    """Make a picture for each request and hand it over with its number, group by group.

    Each picture's noise comes from its own seed alone, drawn on the CPU.
    """
    alike: dict[PromptRequest, list[int]] = {}
    for number, request in enumerate(requests):
        shape = replace(request, prompt="", negative="", seed=0)
        alike.setdefault(shape, []).append(number)
    for numbers in alike.values():
        for at in range(0, len(numbers), group):
            chosen = numbers[at : at + group]
            pictures = _make_group(components, conditioner, [requests[n] for n in chosen])
            for number, picture in zip(chosen, pictures, strict=True):
                on_picture(number, picture)


@torch.no_grad()
def _make_group(
    components: Components, conditioner: TextConditioner, requests: list[PromptRequest]
) -> list[Image.Image]:
    first = requests[0]
    guided = first.guidance > 1
    prompts = [request.prompt for request in requests]
    if guided:
        prompts = [request.negative for request in requests] + prompts
    with components.autocast():
        text = conditioner.encode(prompts, emphasis=True)
    scheduler = make_scheduler(first.sampler, components.scheduler_config)
    scheduler.set_timesteps(first.steps, device=components.device)
    generators = [torch.Generator("cpu").manual_seed(request.seed) for request in requests]
    latents = _first_noise(components, first, generators) * scheduler.init_noise_sigma
    extra = _added_conditions(components, text, first)
    takes_generator = "generator" in scheduler.step.__code__.co_varnames
    for timestep in scheduler.timesteps:
        doubled = torch.cat([latents, latents]) if guided else latents
        scaled = scheduler.scale_model_input(doubled, timestep)
        with components.autocast():
            prediction = components.unet(
                scaled, timestep, encoder_hidden_states=text.embeddings, added_cond_kwargs=extra
            ).sample.float()
        if guided:
            without, with_text = prediction.chunk(2)
            prediction = without + first.guidance * (with_text - without)
        options = {"generator": generators} if takes_generator else {}
        latents = scheduler.step(prediction, timestep, latents, **options).prev_sample
    return decode(components, latents)


def _first_noise(
    components: Components, request: PromptRequest, generators: list[torch.Generator]
) -> torch.Tensor:
    scale = components.downscale
    shape = (1, components.latent_channels, request.height // scale, request.width // scale)
    noise = [torch.randn(shape, generator=generator) for generator in generators]
    return torch.cat(noise).to(components.device)


def _added_conditions(
    components: Components, text: Conditioning, request: PromptRequest
) -> dict[str, torch.Tensor] | None:
    if text.pooled is None:
        return None
    row = [request.height, request.width, 0, 0, request.height, request.width]
    ids = torch.tensor([row] * len(text.pooled), dtype=torch.float32, device=components.device)
    return {"text_embeds": text.pooled, "time_ids": ids}


@torch.no_grad()
def decode(components: Components, latents: torch.Tensor) -> list[Image.Image]:
    """Return the pictures of latents (n, c, h, w), decoded one by one to keep memory low."""
    config = components.vae.config
    shift = getattr(config, "shift_factor", None) or 0.0
    pictures = []
    for latent in latents:
        scaled = latent[None] / config.scaling_factor + shift
        image = components.vae.decode(scaled.to(components.vae.dtype)).sample[0].float()
        pixels = ((image.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        pictures.append(Image.fromarray(np.asarray(pixels.permute(1, 2, 0).cpu())))
    return pictures
