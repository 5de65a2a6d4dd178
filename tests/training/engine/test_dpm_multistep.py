"""Our DPM++ 2M against diffusers' scheduler: every timestep, every sigma, every step."""

from typing import Any

import pytest
import torch

from training.engine.samples.dpm_multistep import FIXED, DpmMultistep

pytestmark = pytest.mark.engine
SD = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
ODE = {"algorithm_type": "dpmsolver++", "solver_order": 2}
SDE = {"algorithm_type": "sde-dpmsolver++", "solver_order": 2, "lower_order_final": True}
ZERO = {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}
SCHEDULES: list[dict[str, Any]] = [
    SD | ODE,
    SD | ODE | {"timestep_spacing": "leading", "steps_offset": 1},
    SD | ODE | ZERO | {"timestep_spacing": "trailing"},
    SD | ODE | {"use_karras_sigmas": True},
    SD | ODE | ZERO | {"use_karras_sigmas": True},
    SD | SDE,
    SD | SDE | {"use_karras_sigmas": True, "prediction_type": "sample"},
    ODE | {"beta_schedule": "squaredcos_cap_v2", "use_karras_sigmas": True},
]


def walked(scheduler: Any, steps: int, begin: int) -> list[torch.Tensor]:
    """Everything that is to be seen of a walk with a made-up model."""
    draws = torch.Generator().manual_seed(5)
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    scheduler.set_timesteps(steps)
    scheduler.set_begin_index(begin)
    clean, noise = (torch.randn(2, 4, 8, 8, generator=draws) for _ in range(2))
    at = scheduler.timesteps[begin : begin + 1].repeat(2)
    latents = scheduler.add_noise(clean, noise, at)
    seen = [scheduler.timesteps, scheduler.sigmas, latents]
    for timestep in scheduler.timesteps[begin:]:
        prediction = (latents * 0.3 + timestep / 1000).sin()
        taken = scheduler.scale_model_input(latents, timestep)
        latents = scheduler.step(prediction, timestep, taken, generator=generators).prev_sample
        seen.append(latents)
    return seen


@pytest.mark.parametrize(("steps", "begin"), [(1, 0), (2, 0), (9, 4), (20, 0)])
@pytest.mark.parametrize("config", SCHEDULES)
def test_every_number_is_that_of_diffusers(config: dict[str, Any], steps: int, begin: int) -> None:
    from diffusers import DPMSolverMultistepScheduler

    assert DpmMultistep.fits(config)
    ours = walked(DpmMultistep(config), steps, begin)
    theirs = walked(DPMSolverMultistepScheduler(**config), steps, begin)
    # A schedule that ends in pure noise is not brought down to shares a step and back again here.
    near = 2e-6 if config.get("rescale_betas_zero_snr") else 0.0
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=near, atol=near)


@pytest.mark.parametrize(
    "change",
    [
        {"thresholding": True},
        {"solver_order": 3},
        {"final_sigmas_type": "sigma_min"},
        {"prediction_type": "flow_prediction"},
        {"timestep_spacing": "other"},
        {"algorithm_type": "dpmsolver"},
        {"lambda_min_clipped": -5.1},
    ],
)
def test_what_is_not_here_is_left_to_diffusers(change: dict[str, Any]) -> None:
    assert DpmMultistep.fits(SD | ODE | FIXED)
    assert not DpmMultistep.fits(SD | ODE | change)
