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
    huber_schedule: str = "constant"
    snr_gamma: float = 0.0
    debiased: bool = False
    scale_velocity: bool = False
    velocity_like: float = 0.0

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
        error = self._error(prediction.float(), target.float(), timesteps, schedule)
        if masks is not None:
            error = error * masks
        losses = error.flatten(1).mean(1)
        return losses * self._weights(timesteps, schedule)

    def _error(
        self,
        prediction: torch.Tensor,
        target: torch.Tensor,
        timesteps: torch.Tensor,
        schedule: NoiseSchedule,
    ) -> torch.Tensor:
        """Return the mistake of each value.

        huber is the pseudo-Huber loss 2c(√(d² + c²) - c), about d² near zero and 2c|d| far away;
        smooth_l1 is the same without the factor c (https://arxiv.org/abs/2403.16728, as kohya).
        """
        if self.kind == "mse":
            return F.mse_loss(prediction, target, reduction="none")
        if self.kind == "l1":
            return F.l1_loss(prediction, target, reduction="none")
        limit = self.huber_limit(timesteps, schedule).view(-1, *(1,) * (prediction.ndim - 1))
        straight = ((prediction - target) ** 2 + limit**2).sqrt() - limit
        return 2 * straight * (limit if self.kind == "huber" else 1.0)

    def huber_limit(self, timesteps: torch.Tensor, schedule: NoiseSchedule) -> torch.Tensor:
        """Return the limit c of each picture, shape (batch,) (https://arxiv.org/abs/2403.16728).

        exponential falls from 1 at no noise to huber_delta at the last level; snr is
        (1 - delta) / (1 + sigma)² + delta with sigma² = (1 - alpha) / alpha.
        """
        if self.huber_schedule == "exponential":
            share = timesteps.float() / len(schedule.alphas_cumprod)
            return torch.full_like(share, self.huber_delta) ** share
        if self.huber_schedule == "snr":
            sigma = schedule.snr(timesteps).rsqrt()
            return (1 - self.huber_delta) / (1 + sigma) ** 2 + self.huber_delta
        return torch.full(timesteps.shape, self.huber_delta, device=timesteps.device)

    def _weights(self, timesteps: torch.Tensor, schedule: NoiseSchedule) -> torch.Tensor:
        """Return the weight of each picture's level, shape (batch,).

        Min-SNR: min(snr, gamma) / snr, for v over snr + 1 (https://arxiv.org/abs/2303.09556).
        Debiased: 1 / sqrt(snr), for v 1 / (snr + 1), with the snr at most 1000
        (https://arxiv.org/abs/2310.08442, and kohya's form for v). Of velocity, if asked,
        snr / (snr + 1) besides, which is how much the same mistake weighs in noise. Like velocity,
        if asked, a share of (snr + 1) / snr more, with the snr as above (kohya's v_pred_like_loss).
        """
        snr = schedule.snr(timesteps)
        weights = torch.ones_like(snr)
        velocity = schedule.prediction_type == "v_prediction"
        if self.snr_gamma and velocity:
            weights = snr.clamp(max=self.snr_gamma) / (snr + 1)
        elif self.snr_gamma:
            weights = (self.snr_gamma / snr).clamp(max=1.0)  # 1 where there is no signal left
        if self.debiased:
            limited = snr.clamp(min=1e-4, max=1000.0)
            weights = weights / (limited + 1 if velocity else limited.sqrt())
        if self.scale_velocity and velocity:
            weights = weights * snr / (snr + 1)
        if self.velocity_like:
            limited = snr.clamp(min=1e-4, max=1000.0)
            weights = weights * (1 + self.velocity_like * (limited + 1) / limited)
        return weights


@dataclass(frozen=True)
class NoiseRule:
    """How the noise and its level are drawn for a picture of a step."""

    seed: int
    offset: float = 0.0
    offset_varies: bool = False
    perturbation: float = 0.0
    adaptive_scale: float = 0.0
    multires_layers: int = 0
    multires_discount: float = 0.3
    min_timestep: int = 0
    max_timestep: int = 1000

    def timesteps(self, step: int, slots: list[int], total: int) -> torch.Tensor:
        """Return timesteps for some slots of a step, spread evenly over its `total` slots.

        Each slot draws within its own share of the range: the same distribution as independent
        draws, with less variance of the loss.
        """
        order = randomness.permutation(total, self.seed, "timestep order", step)
        span = self.max_timestep - self.min_timestep
        values = [(order[slot] + self._uniform("timestep", step, slot)) / total for slot in slots]
        return torch.tensor([self.min_timestep + int(value * span) for value in values])

    def noise(self, step: int, slots: list[int], shape: tuple[int, ...]) -> torch.Tensor:
        """Return noise of (len(slots), *shape), with the offset and the coarser layers asked for.

        Offset: a share of the same noise for all places of a channel
        (https://www.crosslabs.org/blog/diffusion-with-offset-noise).
        """
        noise = self._draw("noise", step, slots, shape)
        if self.offset:
            noise = noise + self._strengths(step, slots, shape) * self._offsets(step, slots, shape)
        if self.multires_layers:
            layered = [
                self._with_coarser_layers(part, step, slot)
                for part, slot in zip(noise, slots, strict=True)
            ]
            noise = torch.stack(layered)
        return noise

    def adaptive_part(
        self, latents: torch.Tensor, step: int, slots: list[int]
    ) -> torch.Tensor | None:
        """Return what latents (n, c, h, w) add to the noise by their channels' means; None if off.

        The strength of the offset is then offset + scale · |mean|, and never below 0, as in kohya's
        scripts. It is computed where the latents are: nothing waits for the device.
        """
        if not self.adaptive_scale:
            return None
        shape = tuple(latents.shape[1:])
        strengths = self._strengths(step, slots, shape).to(latents.device)
        means = latents.mean(dim=tuple(range(2, latents.ndim)), keepdim=True).abs()
        added = (strengths + self.adaptive_scale * means).clamp(min=0) - strengths
        return added * self._offsets(step, slots, shape).to(latents.device)

    def _strengths(self, step: int, slots: list[int], shape: tuple[int, ...]) -> torch.Tensor:
        """Return how strong the offset of each picture is, in as many dimensions as the noise."""
        strengths = torch.full((len(slots), *(1 for _ in shape)), self.offset)
        if not self.offset_varies:
            return strengths
        shares = [self._uniform("noise offset strength", step, slot) for slot in slots]
        return strengths * torch.tensor(shares).view_as(strengths)

    def _offsets(self, step: int, slots: list[int], shape: tuple[int, ...]) -> torch.Tensor:
        """Return one draw for each channel of each picture."""
        return self._draw("noise offset", step, slots, (shape[0], *(1 for _ in shape[1:])))

    def _with_coarser_layers(self, noise: torch.Tensor, step: int, slot: int) -> torch.Tensor:
        """Add layers of noise, each 2 to 4 times coarser and weaker by the discount; variance 1.

        Multi-resolution noise as kohya's scripts have it:
        https://wandb.ai/johnowhitaker/multires_noise (one factor of coarseness a layer).
        """
        height, width = noise.shape[-2:]
        for layer in range(self.multires_layers):
            factor = (2 + 2 * self._uniform(f"multires factor {layer}", step, slot)) ** layer
            size = (max(1, int(height / factor)), max(1, int(width / factor)))
            shape = (1, noise.shape[0], *size)
            coarse = randomness.normal(shape, self.seed, f"multires noise {layer}", step, slot)
            spread = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
            noise = noise + spread[0] * self.multires_discount**layer
            if 1 in size:
                break
        return noise / noise.std()

    def _uniform(self, purpose: str, step: int, slot: int) -> float:
        return randomness.uniform(self.seed, purpose, step, slot)

    def disturbance(
        self, step: int, slots: list[int], shape: tuple[int, ...]
    ) -> torch.Tensor | None:
        """Return extra noise for the input only, or None where it is off.

        Input perturbation: https://arxiv.org/abs/2301.11706
        """
        if not self.perturbation:
            return None
        return self.perturbation * self._draw("input perturbation", step, slots, shape)

    def _draw(
        self, purpose: str, step: int, slots: list[int], shape: tuple[int, ...]
    ) -> torch.Tensor:
        return torch.stack(
            [randomness.normal(shape, self.seed, purpose, step, slot) for slot in slots]
        )
