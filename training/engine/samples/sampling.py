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
from training.engine.errors import OutOfMemoryError
from training.engine.machine.memory import going_on, let_go
from training.engine.samples.composition import is_plain, joined_prompts
from training.engine.samples.prompt_schedule import prompt_at
from training.engine.samples.prompts import HiresFix, PromptRequest
from training.engine.samples.samplers import SAMPLERS, make_scheduler
from training.engine.samples.start_pictures import (
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


@dataclass
class Portion:
    """How much is made in one pass: less, for all that follows, where memory runs out.

    The ladder: half as many pictures, down to one; then its prompts and its negative prompt apart.
    """

    pictures: int = GROUP
    apart: bool = False
    on_less: Callable[[str], None] | None = None

    def first_of(self, requests: list[PromptRequest]) -> list[PromptRequest]:
        """Return as many as are made in one pass: fewer where AND joins prompts, at least one."""
        chosen, prompts = requests[:1], len(joined_prompts(requests[0].prompt))
        for request in requests[1 : self.pictures]:
            prompts += len(joined_prompts(request.prompt))
            if prompts > self.pictures:
                break
            chosen.append(request)
        return chosen

    def give_way(self, reason: str) -> None:
        """Go down one rung and tell it; raises OutOfMemoryError on the last one."""
        if self.pictures > 1:
            self.pictures //= 2
            rung = f"{self.pictures} pictures at a time" if self.pictures > 1 else "one by one"
            said = f"pictures are made {rung} now"
        elif not self.apart:
            self.apart = True
            said = "prompts and negative prompts are passed one after the other now"
        else:
            raise OutOfMemoryError(
                "The memory of the device is not enough to make one picture. Make it smaller, or "
                f"choose a smaller base model. ({reason})"
            )
        if self.on_less is not None:
            self.on_less(f"Memory ran out; {said}.")


def make_pictures(
    components: Components,
    conditioner: TextConditioner,
    requests: list[PromptRequest],
    *,
    on_picture: Callable[[int, Image.Image], None],
    portion: Portion | None = None,
) -> None:
    """Make a picture for each request and hand it over with its number, group by group.

    Each picture's noise comes from its own seed alone, drawn on the CPU. Raises OutOfMemoryError
    where the portion cannot be made smaller.
    """
    portion = portion or Portion()
    alike: dict[tuple[PromptRequest, bool], list[int]] = {}
    for number, request in enumerate(requests):
        shape = replace(request, prompt="", negative="", seed=0)
        alike.setdefault((shape, is_plain(request.prompt)), []).append(number)
    for numbers in alike.values():
        at = 0
        while at < len(numbers):
            waiting = [requests[number] for number in numbers[at:]]
            pictures = _make_fitting(components, conditioner, waiting, portion)
            for number, picture in zip(numbers[at:], pictures, strict=False):
                on_picture(number, picture)
            at += len(pictures)


def _make_fitting(
    components: Components,
    conditioner: TextConditioner,
    requests: list[PromptRequest],
    portion: Portion,
) -> list[Image.Image]:
    """Make the first of some pictures, as many as fit into memory together."""

    def attempt() -> list[Image.Image]:
        chosen = portion.first_of(requests)
        return _make_group(components, conditioner, chosen, apart=portion.apart)

    def give_way(reason: str) -> None:
        let_go(components.device)
        portion.pictures = min(portion.pictures, len(portion.first_of(requests)))
        portion.give_way(reason)

    return going_on(attempt, give_way)


@torch.no_grad()
def _make_group(
    components: Components,
    conditioner: TextConditioner,
    requests: list[PromptRequest],
    *,
    apart: bool,
) -> list[Image.Image]:
    first = requests[0]
    generators = [torch.Generator("cpu").manual_seed(request.seed) for request in requests]
    texts = _Texts(conditioner, requests)
    run = _Pass(components, first, texts, generators, apart)
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
        self._joined = [joined_prompts(request.prompt) for request in self.requests]
        pairs = [(number, one) for number, joined in enumerate(self._joined) for one in joined]
        self.pictures = [number for number, _ in pairs]  # of each prompt the one it is for
        self.weights = [one.weight for _, one in pairs]
        self.is_plain = all(is_plain(request.prompt) for request in self.requests)

    def at(self, step: int, steps: int, *, guided: bool) -> Conditioning:
        """Return the negative prompts' conditioning, where they count, then the prompts'."""

        def held(prompt: str) -> str:
            return prompt_at(prompt, step, steps, earlier_steps=self.earlier_steps)

        prompts = [held(request.negative) for request in self.requests] if guided else []
        prompts += [held(one.text) for joined in self._joined for one in joined]
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
    apart: bool = False  # prompts and negative prompts one after the other, for want of memory

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
        guided = self.request.guidance > 1 or not self.texts.is_plain
        text = self.texts.at(step, self.request.steps, guided=guided)
        count = len(latents)
        if guided:
            latents = torch.cat([latents, latents[self.texts.pictures]])
        if channels is not None:
            latents = torch.cat([latents, channels.expand(len(latents), -1, -1, -1)], dim=1)
        passes = len(latents) if self.apart else 1
        parts = zip(latents.chunk(passes), _parts(text, passes), strict=True)
        prediction = torch.cat([self._passed(part, timestep, its) for part, its in parts])
        return self._guided(prediction[:count], prediction[count:]) if guided else prediction

    def _guided(self, without: torch.Tensor, prompts: torch.Tensor) -> torch.Tensor:
        """Return what each picture goes by: away from its negative prompt (n, c, h, w).

        As in A1111 the differences of its prompts (of all pictures, one after the other) add up.
        """
        scale, found = max(1.0, self.request.guidance), without.clone()
        of_each = zip(prompts, self.texts.pictures, self.texts.weights, strict=True)
        for prompt, number, weight in of_each:
            found[number] += scale * weight * (prompt - without[number])
        return found

    def _passed(
        self, latents: torch.Tensor, timestep: torch.Tensor, text: Conditioning
    ) -> torch.Tensor:
        with self.components.autocast():
            prediction: torch.Tensor = self.components.unet(
                latents,
                timestep,
                encoder_hidden_states=text.embeddings,
                added_cond_kwargs=_added_conditions(self.components, text, self.request),
            ).sample.float()
        return prediction


def _parts(text: Conditioning, count: int) -> list[Conditioning]:
    pooled = text.pooled.chunk(count) if text.pooled is not None else [None] * count
    return [
        Conditioning(embeddings, its)
        for embeddings, its in zip(text.embeddings.chunk(count), pooled, strict=True)
    ]


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
