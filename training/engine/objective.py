"""What is minimised, as pure functions on tensors: noise levels, targets, weights, the loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from training.engine import randomness


@dataclass(frozen=True)
class NoiseSchedule:
    """The forward process of a base model; `alphas_cumprod` has one value a timestep."""

    alphas_cumprod: torch.Tensor
    prediction_type: str

    def to(self, device: torch.device | str) -> NoiseSchedule:
        """Return the schedule with its table on a device."""
        return NoiseSchedule(self.alphas_cumprod.to(device), self.prediction_type)

    def coefficients(self, timesteps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (sqrt alpha, sqrt 1-alpha), each of shape (batch, 1, 1, 1)."""
        alpha = self.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
        return alpha.sqrt(), (1 - alpha).sqrt()

    def add_noise(
        self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        """Return the latents at the noise level of their timesteps."""
        signal, spread = self.coefficients(timesteps)
        return signal * latents + spread * noise

    def target(
        self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        """Return what the model should predict (Salimans and Ho 2022 for v)."""
        if self.prediction_type == "epsilon":
            return noise
        signal, spread = self.coefficients(timesteps)
        return signal * noise - spread * latents

    def snr(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Return the signal-to-noise ratio, shape (batch,); 0 at a zero terminal SNR."""
        alpha = self.alphas_cumprod[timesteps]
        return alpha / (1 - alpha)


@dataclass(frozen=True)
class LossRule:
    """How the mistake of each picture is measured and weighed."""

    kind: str = "mse"
    huber_delta: float = 0.1
    snr_gamma: float = 0.0
    debiased: bool = False

    def per_sample(
        self,
        prediction: torch.Tensor,
        target: torch.Tensor,
        timesteps: torch.Tensor,
        schedule: NoiseSchedule,
        masks: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the weighed loss of each picture, shape (batch,), in float32.

        `masks` (batch, 1, h, w) weighs places of the latent.
        """
        error = self._error(prediction.float(), target.float())
        if masks is not None:
            error = error * masks
        losses = error.flatten(1).mean(1)
        return losses * self._weights(timesteps, schedule)

    def _error(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.kind == "huber":
            return F.huber_loss(prediction, target, reduction="none", delta=self.huber_delta)
        return F.mse_loss(prediction, target, reduction="none")

    def _weights(self, timesteps: torch.Tensor, schedule: NoiseSchedule) -> torch.Tensor:
        snr = schedule.snr(timesteps)
        weights = torch.ones_like(snr)
        velocity = schedule.prediction_type == "v_prediction"
        if self.snr_gamma:
            # https://arxiv.org/abs/2303.09556; with v the whole weight is divided by snr + 1
            weights = snr.clamp(max=self.snr_gamma) / (snr + 1 if velocity else snr)
        if self.debiased:
            weights = weights / (snr + 1 if velocity else snr).clamp(max=1000).sqrt()
        return weights


@dataclass(frozen=True)
class NoiseRule:
    """How the noise and its level are drawn for a picture of a step."""

    seed: int
    offset: float = 0.0
    perturbation: float = 0.0
    min_timestep: int = 0
    max_timestep: int = 1000

    def timesteps(self, step: int, slots: list[int], total: int) -> torch.Tensor:
        """Return timesteps for some slots of a step, spread evenly over its `total` slots.

        Each slot draws within its own share of the range: the same distribution as independent
        draws, with less variance of the loss.
        """
        order = randomness.permutation(total, self.seed, "timestep order", step)
        span = self.max_timestep - self.min_timestep
        values = [
            (order[slot] + randomness.uniform(self.seed, "timestep", step, slot)) / total
            for slot in slots
        ]
        return torch.tensor([self.min_timestep + int(value * span) for value in values])

    def noise(self, step: int, slots: list[int], shape: tuple[int, ...]) -> torch.Tensor:
        """Return noise of (len(slots), *shape)."""
        noise = self._draw("noise", step, slots, shape)
        if self.offset:
            channels = (shape[0], *(1 for _ in shape[1:]))
            noise = noise + self.offset * self._draw("noise offset", step, slots, channels)
        return noise

    def disturbance(
        self, step: int, slots: list[int], shape: tuple[int, ...]
    ) -> torch.Tensor | None:
        """Return extra noise for the input only (input perturbation), or None where it is off."""
        if not self.perturbation:
            return None
        return self.perturbation * self._draw("input perturbation", step, slots, shape)

    def _draw(
        self, purpose: str, step: int, slots: list[int], shape: tuple[int, ...]
    ) -> torch.Tensor:
        return torch.stack(
            [randomness.normal(shape, self.seed, purpose, step, slot) for slot in slots]
        )
