"""DPM++ 2M, its SDE and Karras kinds: the usual sampler, without importing a library for it.

Second order multistep DPM-Solver++ in its midpoint form (algorithm 2 of
https://arxiv.org/abs/2211.01095), with the discretisation that diffusers gives it: tests compare
every number with `DPMSolverMultistepScheduler`, and that class is used for what is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.engine.noise_levels import noise_levels

KARRAS_RHO = 7.0  # of https://arxiv.org/abs/2206.00364, equation 5
LEAST_SIGNAL = 2.0**-24  # in place of none at all, where a schedule ends in pure noise
PREDICTIONS = ("epsilon", "sample", "v_prediction")
SPACINGS = ("linspace", "leading", "trailing")
#: Settings of diffusers' class, each with the one value that it has here.
FIXED: Mapping[str, Any] = {
    "thresholding": False,
    "variance_type": None,
    "solver_order": 2,
    "solver_type": "midpoint",
    "lower_order_final": True,
    "euler_at_final": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
    "use_lu_lambdas": False,
    "use_flow_sigmas": False,
    "use_dynamic_shifting": False,
    "final_sigmas_type": "zero",
    "lambda_min_clipped": -float("inf"),
}


@dataclass(frozen=True)
class Stepped:
    """What a step gives, under the name that diffusers has for it."""

    prev_sample: Tensor


class DpmMultistep:
    """A scheduler as `_Pass` uses one: made, told the number of steps, stepped to the end."""

    init_noise_sigma: ClassVar[float] = 1.0

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.spacing = config.get("timestep_spacing", "linspace")
        self.prediction = config.get("prediction_type", "epsilon")
        self.offset = int(config.get("steps_offset", 0))
        self.is_karras = bool(config.get("use_karras_sigmas"))
        self.is_sde = config.get("algorithm_type") == "sde-dpmsolver++"
        self.rounds = config.get("beta_schedule") != "squaredcos_cap_v2"
        levels = noise_levels(config)
        if config.get("rescale_betas_zero_snr"):
            levels[-1] = LEAST_SIGNAL
        self.all_sigmas: NDArray[np.float32] = (((1 - levels) / levels) ** 0.5).numpy()
        self.timesteps = torch.empty(0, dtype=torch.int64)
        self.sigmas = torch.empty(0)
        self.index = 0
        self.taken: list[Tensor] = []

    @staticmethod
    def fits(config: Mapping[str, Any]) -> bool:
        """Whether a schedule asks for nothing but what is here."""
        return (
            all(config.get(name, value) == value for name, value in FIXED.items())
            and config.get("prediction_type", "epsilon") in PREDICTIONS
            and config.get("timestep_spacing", "linspace") in SPACINGS
            and config.get("algorithm_type") in ("dpmsolver++", "sde-dpmsolver++")
        )

    def set_timesteps(self, steps: int, device: torch.device | str | None = None) -> None:
        """Choose the noise of each step: `timesteps` (steps,) and `sigmas` (steps + 1,)."""
        if self.is_karras:
            sigmas = self._karras(steps)
            times = self._times_of(sigmas)
        else:
            times = self._times(steps)
            sigmas = np.interp(times, np.arange(len(self.all_sigmas)), self.all_sigmas)
        self.sigmas = torch.from_numpy(np.append(sigmas, 0).astype(np.float32))
        self.timesteps = torch.from_numpy(times).to(device=device, dtype=torch.int64)
        self.index, self.taken = 0, []

    def set_begin_index(self, begin: int) -> None:
        """Begin at a later step, as from a picture under some noise."""
        self.index = begin

    def scale_model_input(self, sample: Tensor, _timestep: Tensor) -> Tensor:
        """The model takes latents as they are."""
        return sample

    def add_noise(self, clean: Tensor, noise: Tensor, _timesteps: Tensor) -> Tensor:
        """Latents as they are before the step that comes next."""
        signal, share = _parts(self.sigmas[self.index].to(clean))
        return signal * clean + share * noise

    def step(
        self,
        prediction: Tensor,
        _timestep: Tensor,
        sample: Tensor,
        generator: list[torch.Generator],
    ) -> Stepped:
        """Latents (n, c, h, w) after the step that comes next, given the model's prediction."""
        self.taken = [*self.taken[-1:], self._clean(prediction, sample)]
        noise = _noise(prediction, generator) if self.is_sde else None
        left = len(self.timesteps) - self.index
        if len(self.taken) < 2 or left == 1:
            after = self._first_order(sample.float(), noise)
        else:
            after = self._second_order(sample.float(), noise)
        self.index += 1
        return Stepped(after.to(prediction.dtype))

    def _clean(self, prediction: Tensor, sample: Tensor) -> Tensor:
        """The latents without noise that a prediction stands for."""
        signal, share = _parts(self.sigmas[self.index])
        if self.prediction == "epsilon":
            return (sample - share * prediction) / signal
        if self.prediction == "v_prediction":
            return signal * sample - share * prediction
        return prediction

    def _first_order(self, sample: Tensor, noise: Tensor | None) -> Tensor:
        signal, share, share_now, h = self._ahead()
        now = self.taken[-1]
        if noise is None:
            return (share / share_now) * sample - (signal * (torch.exp(-h) - 1.0)) * now
        return (
            (share / share_now * torch.exp(-h)) * sample
            + (signal * (1 - torch.exp(-2.0 * h))) * now
            + share * torch.sqrt(1.0 - torch.exp(-2 * h)) * noise
        )

    def _second_order(self, sample: Tensor, noise: Tensor | None) -> Tensor:
        signal, share, share_now, h = self._ahead()
        before, now = self.taken
        h_before = _log_ratio(self.sigmas[self.index]) - _log_ratio(self.sigmas[self.index - 1])
        slope = (1.0 / (h_before / h)) * (now - before)
        if noise is None:
            grown = signal * (torch.exp(-h) - 1.0)
            return (share / share_now) * sample - grown * now - 0.5 * grown * slope
        grown = signal * (1 - torch.exp(-2.0 * h))
        return (
            (share / share_now * torch.exp(-h)) * sample
            + grown * now
            + 0.5 * grown * slope
            + share * torch.sqrt(1.0 - torch.exp(-2 * h)) * noise
        )

    def _ahead(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Signal and noise after the step, noise before it, and its length in log signal/noise."""
        now, after = self.sigmas[self.index], self.sigmas[self.index + 1]
        signal, share = _parts(after)
        return signal, share, _parts(now)[1], _log_ratio(after) - _log_ratio(now)

    def _times(self, steps: int) -> NDArray[np.int64]:
        count = len(self.all_sigmas)
        if self.spacing == "linspace":
            return np.linspace(0, count - 1, steps + 1).round()[::-1][:-1].astype(np.int64)
        if self.spacing == "leading":
            ratio = count // (steps + 1)
            return (np.arange(steps + 1) * ratio)[::-1][:-1].astype(np.int64) + self.offset
        return np.arange(count, 0, -count / steps).round().astype(np.int64) - 1

    def _karras(self, steps: int) -> NDArray[Any]:
        least, most = self.all_sigmas[0].item(), self.all_sigmas[-1].item()
        low, high = least ** (1 / KARRAS_RHO), most ** (1 / KARRAS_RHO)
        found: NDArray[Any] = (high + np.linspace(0, 1, steps) * (low - high)) ** KARRAS_RHO
        return found

    def _times_of(self, sigmas: NDArray[Any]) -> NDArray[Any]:
        """The timesteps with so much noise, by the logarithm between two of the schedule."""
        known = np.log(self.all_sigmas)
        wanted = np.log(np.maximum(sigmas, 1e-10))
        low = (np.searchsorted(known, wanted, side="right") - 1).clip(0, len(known) - 2)
        share = (known[low] - wanted) / (known[low] - known[low + 1])
        share = share.clip(0, 1)
        times = (1 - share) * low + share * (low + 1)
        return times.round() if self.rounds else times


def _parts(sigma: Tensor) -> tuple[Tensor, Tensor]:
    """Shares of signal and noise at a ratio `sigma` of noise to signal."""
    signal = 1 / ((sigma**2 + 1) ** 0.5)
    return signal, sigma * signal


def _log_ratio(sigma: Tensor) -> Tensor:
    signal, share = _parts(sigma)
    return torch.log(signal) - torch.log(share)


def _noise(like: Tensor, generators: list[torch.Generator]) -> Tensor:
    """Noise of each picture from its own generator, drawn on the CPU."""
    shape = (1, *like.shape[1:])
    drawn = [torch.randn(shape, generator=generator) for generator in generators]
    return torch.cat(drawn).to(like.device)
