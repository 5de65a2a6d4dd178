"""Making pictures with the parts of a base model as they are now, trained additions included.

From noise, from a picture (img2img, inpainting), and in two passes (hires fix), with A1111's
counting of steps: of a picture with denoising d, int(min(d, 0.999) * steps) + 1 steps are taken.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from training.engine.components import Components
from training.engine.memory import is_out_of_memory, let_go
from training.engine.prompt_schedule import prompt_at
from training.engine.prompts import HiresFix, PromptRequest
from training.engine.samplers import SAMPLERS, make_scheduler
from training.engine.start_pictures import (
    enlarged,
    enlarged_size,
    inpainting_channels,
    latent_mask,
    start_latents,
    with_surroundings,
)
from training.engine.text import Conditioning, TextConditioner

GROUP = 8  # pictures made in one pass; on a CPU this is twice as fast as one by one
ALL_NOISE = 0.999  # A1111's highest share of noise over a picture
LCM_STEPS = 50  # of the schedule that LCM picks its steps from


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
            pictures = _make_fitting(components, conditioner, [requests[n] for n in chosen])
            for number, picture in zip(chosen, pictures, strict=True):
                on_picture(number, picture)


def _make_fitting(
    components: Components, conditioner: TextConditioner, requests: list[PromptRequest]
) -> list[Image.Image]:
    """Make pictures together, or in smaller groups where memory runs out."""
    try:
        return _make_group(components, conditioner, requests)
    except RuntimeError as error:
        if len(requests) == 1 or not is_out_of_memory(error):
            raise
    let_go(components.device)  # outside the handler, which would keep the tensors alive
    half = len(requests) // 2
    parts = (requests[:half], requests[half:])
    return [p for part in parts for p in _make_fitting(components, conditioner, part)]


@torch.no_grad()
def _make_group(
    components: Components, conditioner: TextConditioner, requests: list[PromptRequest]
) -> list[Image.Image]:
    first = requests[0]
    generators = [torch.Generator("cpu").manual_seed(request.seed) for request in requests]
    texts = _Texts(conditioner, requests)
    run = _Pass(components, first, texts, generators)
    if first.start is None:
        latents = run.from_noise(inpainting_channels(components, first, None))
    else:
        picture = start_latents(components, first).repeat(len(requests), 1, 1, 1)
        mask = latent_mask(components, first)
        channels = inpainting_channels(components, first, mask)
        latents = run.from_latents(picture, first.start.denoising, mask, channels)
    if first.hires is not None:
        latents = _second_pass(run, latents, first.hires)
    return [with_surroundings(first, picture) for picture in decode(components, latents)]


def _second_pass(run: _Pass, latents: torch.Tensor, hires: HiresFix) -> torch.Tensor:
    size = enlarged_size(run.components, run.request, hires)
    request = replace(
        run.request, width=size[0], height=size[1], steps=hires.steps or run.request.steps
    )
    larger = enlarged(run.components, latents, size, hires.upscaler, decode)
    texts = replace(run.texts, earlier_steps=run.request.steps)
    again = replace(run, request=request, texts=texts)
    mask = latent_mask(run.components, request)
    channels = inpainting_channels(run.components, request, mask)
    return again.from_latents(larger, hires.denoising, mask, channels)


@dataclass
class _Texts:
    """The conditioning of a group in each step, as prompt editing changes it."""

    conditioner: TextConditioner
    requests: list[PromptRequest]
    earlier_steps: int | None = None

    def __post_init__(self) -> None:
        self._last: tuple[list[str], Conditioning] | None = None

    def at(self, step: int, steps: int, *, guided: bool) -> Conditioning:
        """Return the negative prompts' conditioning, where they count, then the prompts'."""

        def held(prompt: str) -> str:
            return prompt_at(prompt, step, steps, earlier_steps=self.earlier_steps)

        prompts = [held(request.negative) for request in self.requests] if guided else []
        prompts += [held(request.prompt) for request in self.requests]
        if self._last is None or self._last[0] != prompts:
            with self.conditioner.components.autocast():
                self._last = (prompts, self.conditioner.encode(prompts, emphasis=True))
        return self._last[1]


@dataclass
class _Pass:
    """One pass of a sampler over a group of pictures that differ in prompt and seed alone."""

    components: Components
    request: PromptRequest
    texts: _Texts
    generators: list[torch.Generator]

    def from_noise(self, channels: torch.Tensor | None) -> torch.Tensor:
        """Return latents made from nothing."""
        scheduler = self._scheduler()
        latents = self._noise() * scheduler.init_noise_sigma
        return self._walk(scheduler, latents, 0, channels)

    def from_latents(
        self,
        start: torch.Tensor,
        denoising: float,
        mask: torch.Tensor | None,
        channels: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return latents made from others under some noise; a mask keeps what it is 0 on."""
        scheduler = self._scheduler()
        passes = SAMPLERS[self.request.sampler].passes
        taken = int(min(denoising, ALL_NOISE) * self.request.steps) + 1
        begin = max(0, len(scheduler.timesteps) - taken * passes)
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(begin)
        noise = self._noise()
        at = scheduler.timesteps[begin : begin + 1].repeat(len(start))
        latents = scheduler.add_noise(start, noise, at)
        if mask is None:
            return self._walk(scheduler, latents, begin, channels)

        def kept(latents: torch.Tensor, following: int) -> torch.Tensor:
            around = start
            if following < len(scheduler.timesteps):
                then = scheduler.timesteps[following : following + 1].repeat(len(start))
                around = scheduler.add_noise(start, noise, then)
            return mask * latents + (1 - mask) * around

        return self._walk(scheduler, latents, begin, channels, kept)

    def _scheduler(self) -> Any:
        scheduler = make_scheduler(self.request.sampler, self.components.scheduler_config)
        steps = self.request.steps * SAMPLERS[self.request.sampler].passes
        options = {}
        if self.request.sampler == "LCM":
            options["original_inference_steps"] = max(LCM_STEPS, steps)
        scheduler.set_timesteps(steps, device=self.components.device, **options)
        return scheduler

    def _noise(self) -> torch.Tensor:
        scale, channels = self.components.downscale, self.components.latent_channels
        shape = (1, channels, self.request.height // scale, self.request.width // scale)
        noise = [torch.randn(shape, generator=generator) for generator in self.generators]
        return torch.cat(noise).to(self.components.device)

    def _walk(
        self,
        scheduler: Any,
        latents: torch.Tensor,
        begin: int,
        channels: torch.Tensor | None,
        kept: Callable[[torch.Tensor, int], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Take the steps of a sampler from the one of number `begin` on."""
        passes = SAMPLERS[self.request.sampler].passes
        takes_generator = "generator" in inspect.signature(scheduler.step).parameters
        options = {"generator": self.generators} if takes_generator else {}
        for number, timestep in enumerate(scheduler.timesteps[begin:]):
            scaled = scheduler.scale_model_input(latents, timestep)
            prediction = self._predict(scaled, timestep, number // passes, channels)
            latents = scheduler.step(prediction, timestep, latents, **options).prev_sample
            if kept is not None:
                latents = kept(latents, begin + number + 1)
        return latents

    def _predict(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        step: int,
        channels: torch.Tensor | None,
    ) -> torch.Tensor:
        guided = self.request.guidance > 1
        text = self.texts.at(step, self.request.steps, guided=guided)
        if guided:
            latents = torch.cat([latents, latents])
        if channels is not None:
            latents = torch.cat([latents, channels.expand(len(latents), -1, -1, -1)], dim=1)
        with self.components.autocast():
            prediction = self.components.unet(
                latents,
                timestep,
                encoder_hidden_states=text.embeddings,
                added_cond_kwargs=_added_conditions(self.components, text, self.request),
            ).sample.float()
        if not guided:
            return prediction
        without, with_text = prediction.chunk(2)
        return without + self.request.guidance * (with_text - without)


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
