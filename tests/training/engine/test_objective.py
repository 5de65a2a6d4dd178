"""The forward process and the loss, against diffusers' own and against the papers."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_noise_and_targets_are_those_of_diffusers(kind: str) -> None:
    import torch
    from diffusers import DDPMScheduler

    from training.engine.objective import NoiseSchedule

    theirs = DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=kind
    )
    ours = NoiseSchedule(theirs.alphas_cumprod, kind)
    latents, noise = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
    timesteps = torch.tensor([0, 500, 999])
    expected = theirs.add_noise(latents, noise, timesteps)
    assert torch.allclose(ours.add_noise(latents, noise, timesteps), expected, atol=1e-6)
    target = noise if kind == "epsilon" else theirs.get_velocity(latents, noise, timesteps)
    assert torch.allclose(ours.target(latents, noise, timesteps), target, atol=1e-6)


def test_a_zero_terminal_snr_is_honoured_from_the_bases_own_schedule(velocity_base: Path) -> None:
    import torch

    from tests.factories.engine import make_config
    from training.engine.components import load_components
    from training.engine.precision import Machine, choose

    config = make_config(velocity_base, Path("unused"))
    components = load_components(config, choose(Machine(cuda=False)))
    schedule = components.noise_schedule()
    assert components.zero_terminal_snr
    assert schedule.prediction_type == "v_prediction"
    last = torch.tensor([999])
    assert float(schedule.snr(last)) < 1e-6
    latents, noise = torch.ones(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    assert torch.allclose(schedule.add_noise(latents, noise, last), noise, atol=1e-3)


def test_min_snr_weights_follow_the_paper() -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    alphas = torch.tensor([0.99, 0.5, 0.1])
    timesteps = torch.tensor([0, 1, 2])
    ones = torch.ones(3, 1, 2, 2)
    snr = alphas / (1 - alphas)
    rule = LossRule(snr_gamma=5.0)
    epsilon = rule.per_sample(ones, ones * 0, timesteps, NoiseSchedule(alphas, "epsilon"))
    velocity = rule.per_sample(ones, ones * 0, timesteps, NoiseSchedule(alphas, "v_prediction"))
    assert torch.allclose(epsilon, snr.clamp(max=5) / snr)
    assert torch.allclose(velocity, snr.clamp(max=5) / (snr + 1))


def test_huber_is_square_near_zero_and_straight_far_away() -> None:
    import torch

    from training.engine.objective import LossRule, NoiseSchedule

    schedule = NoiseSchedule(torch.tensor([0.5]), "epsilon")
    rule = LossRule(kind="huber", huber_delta=0.1)
    near, far = torch.full((1, 1, 1, 1), 0.01), torch.full((1, 1, 1, 1), 10.0)
    zero, step = torch.zeros(1, 1, 1, 1), torch.tensor([0])
    assert float(rule.per_sample(near, zero, step, schedule)) == pytest.approx(0.5 * 0.01**2)
    assert float(rule.per_sample(far, zero, step, schedule)) == pytest.approx(0.1 * (10 - 0.05))


def test_timesteps_cover_the_range_evenly_and_do_not_depend_on_the_cut() -> None:
    from training.engine.objective import NoiseRule

    rule = NoiseRule(seed=1, min_timestep=100, max_timestep=900)
    whole = rule.timesteps(3, [0, 1, 2, 3], 4)
    assert sorted((value - 100) // 200 for value in whole.tolist()) == [0, 1, 2, 3]
    parts = [*rule.timesteps(3, [0, 1], 4).tolist(), *rule.timesteps(3, [2, 3], 4).tolist()]
    assert whole.tolist() == parts
    many = [int(rule.timesteps(step, [0], 1)) for step in range(500)]
    assert min(many) < 120
    assert max(many) > 880
    assert 100 <= min(many) <= max(many) < 900


@pytest.mark.parametrize(
    "sampler", ["Euler", "Euler a", "DDIM", "DPM++ 2M", "DPM++ 2M Karras", "UniPC"]
)
def test_every_sampler_makes_a_picture_on_a_zero_terminal_snr_base(
    sampler: str, velocity_base: Path
) -> None:
    import numpy as np

    from tests.factories.engine import make_config
    from training.engine.components import load_components
    from training.engine.precision import Machine, choose
    from training.engine.prompts import parse_prompt
    from training.engine.sampling import make_pictures
    from training.engine.text import TextConditioner

    config = make_config(
        velocity_base, Path("unused"), sampling={"sampler": sampler, "steps": 4, "guidance": 2.0}
    )
    components = load_components(config, choose(Machine(cuda=False)))
    requests = [parse_prompt(f"a thing --d {seed}", config) for seed in (1, 2, 1)]
    pictures: dict[int, np.ndarray] = {}
    make_pictures(
        components,
        TextConditioner(components),
        requests,
        on_picture=lambda number, picture: pictures.update({number: np.asarray(picture)}),
    )
    assert pictures[0].shape == (64, 64, 3)
    assert pictures[0].std() > 1
    assert (pictures[0] == pictures[2]).all()
    assert (pictures[0] != pictures[1]).any()
