"""Prompts that AND joins guide a picture together, each with its weight, as in A1111."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.engine.components import Components
from training.engine.config.train import TrainConfig
from training.engine.samples.composition import JoinedPrompt, is_plain, joined_prompts
from training.engine.samples.drawing import BaseChoice, open_base
from training.engine.samples.prompts import PromptRequest, parse_prompt
from training.engine.samples.samplers import make_scheduler
from training.engine.samples.sampling import GROUP, Portion, decode, make_pictures
from training.engine.text import TextConditioner

pytestmark = pytest.mark.engine
STEPS, GUIDANCE = 3, 3.0


@pytest.fixture(scope="module")
def opened(base: Path) -> tuple[TrainConfig, Components]:
    return open_base(BaseChoice(base, name="Random", pixels=64))


def request_of(config: TrainConfig, prompt: str, guidance: float = GUIDANCE) -> PromptRequest:
    request = parse_prompt(f"{prompt} --n dark --d 5 --s {STEPS}", config)
    return replace(request, sampler="Euler", guidance=guidance)


def drawn(
    opened: tuple[TrainConfig, Components], *prompts: str, portion: Portion | None = None
) -> list[np.ndarray]:
    config, components = opened
    found: dict[int, np.ndarray] = {}

    def keep(number: int, picture: Image.Image) -> None:
        found[number] = np.asarray(picture, dtype=np.float32)

    requests = [request_of(config, prompt) for prompt in prompts]
    conditioner = TextConditioner(components)
    make_pictures(components, conditioner, requests, on_picture=keep, portion=portion)
    return [found[number] for number in sorted(found)]


def far(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


@pytest.mark.parametrize(
    ("prompt", "joined"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("a cat AND a dog :1.2", [("a cat", 1.0), (" a dog", 1.2)]),
        ("a cat :-.5AND\na dog: 2.", [("a cat :-.5AND\na dog", 2.0)]),
        ("a SAND AND (a BAND:1.5)", [("a SAND", 1.0), (" (a BAND:1.5)", 1.0)]),
        ("a <lora:x:0.7> AND b :2 <lora:y:1>", [("a", 1.0), (" b", 2.0)]),
        ("AND [a:b:0.5]", [("", 1.0), (" [a:b:0.5]", 1.0)]),
        ("a clock, 16:9 ", [("a clock, 16", 9.0)]),
        ("", [("", 1.0)]),
    ],
)
def test_prompts_are_parted_and_weighed_as_a1111_does(
    prompt: str, joined: list[tuple[str, float]]
) -> None:
    assert joined_prompts(prompt) == tuple(JoinedPrompt(*one) for one in joined)
    assert is_plain(prompt) == (len(joined) == 1 and joined[0][1] == 1)


@torch.no_grad()
def test_what_each_prompt_changes_against_the_negative_one_adds_up(
    opened: tuple[TrainConfig, Components],
) -> None:
    _, components = opened
    conditioner = TextConditioner(components)
    texts = conditioner.encode(["dark", "a cat", "a dog"], emphasis=True).embeddings
    scheduler = make_scheduler("Euler", components.scheduler_config)
    scheduler.set_timesteps(STEPS)
    size = 64 // components.downscale
    shape = (1, components.latent_channels, size, size)
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    latents = latents * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        scaled = scheduler.scale_model_input(latents, timestep).expand(3, -1, -1, -1)
        dark, cat, dog = components.unet(scaled, timestep, encoder_hidden_states=texts).sample
        found = dark + GUIDANCE * (0.7 * (cat - dark) - 0.4 * (dog - dark))
        latents = scheduler.step(found[None], timestep, latents).prev_sample
    (ours,) = drawn(opened, "a cat :0.7 AND a dog :-0.4")
    assert far(ours, np.asarray(decode(components, latents)[0], dtype=np.float32)) <= 1
    assert far(ours, drawn(opened, "a cat")[0]) > 1


def test_joined_prompts_are_the_same_alone_in_a_group_and_one_by_one(
    opened: tuple[TrainConfig, Components],
) -> None:
    prompts = ["a cat", "a cat AND a dog", "a cat AND [a bird:a dog:0]", "a AND b AND c :0.5"]
    told: list[str] = []
    together = drawn(opened, *prompts)
    tight = drawn(opened, *prompts, portion=Portion(1, apart=True, on_less=told.append))
    for number, prompt in enumerate(prompts):
        assert far(together[number], drawn(opened, prompt)[0]) <= 1
        assert far(together[number], tight[number]) <= 1
    assert far(together[1], together[2]) <= 1
    assert far(together[0], together[1]) > 1
    assert not told


def test_a_weight_at_the_end_of_one_prompt_counts_as_guidance(
    opened: tuple[TrainConfig, Components],
) -> None:
    config, components = opened
    found: dict[int, np.ndarray] = {}
    requests = [
        request_of(config, prompt, guidance)
        for prompt, guidance in (("a cat :2", 1.0), ("a cat", 2.0), ("a cat", 1.0))
    ]

    def keep(number: int, picture: Image.Image) -> None:
        found[number] = np.asarray(picture, dtype=np.float32)

    make_pictures(components, TextConditioner(components), requests, on_picture=keep)
    assert far(found[0], found[1]) <= 1
    assert far(found[0], found[2]) > 1


def test_joined_prompts_fill_a_pass_sooner(opened: tuple[TrainConfig, Components]) -> None:
    config, _ = opened
    plain = [request_of(config, "a cat")] * (GROUP + 1)
    joined = [request_of(config, "a AND b AND c")] * GROUP
    huge = [request_of(config, " AND ".join("abcdefghij"))] * 2
    assert [len(Portion().first_of(some)) for some in (plain, joined, huge)] == [GROUP, 2, 1]
