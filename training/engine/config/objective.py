"""The settings that decide what is minimised: loss, weights, noise and its levels. Torch-free."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from training.engine.config.sections import Section, setting


class ObjectiveSettings(Section):
    """What is minimised; these settings stand beside the others, in no table of their own."""

    loss: Literal["mse", "l1", "huber", "smooth_l1"] = setting(
        "mse", "How a mistake is measured; huber and smooth_l1 mind outliers less, as in kohya's."
    )
    huber_delta: float = setting(
        0.1, "Mistakes above this count straight instead of squared.", gt=0, le=10
    )
    huber_schedule: Literal["constant", "exponential", "snr"] = setting(
        "snr", "How that limit follows the noise level; constant keeps it everywhere."
    )
    snr_gamma: float = setting(
        0.0, "Min-SNR gamma: weighs easy noise levels down; 5 is usual, 0 is off.", ge=0, le=50
    )
    debiased_estimation: bool = setting(
        default=False, help_text="Weigh the loss by one over the root of the SNR."
    )
    scale_velocity_loss: bool = setting(
        default=False,
        help_text="Weigh the loss of velocity models by SNR / (SNR + 1), as that of noise is.",
    )
    velocity_like_loss: float = setting(
        0.0,
        "Add so much of the loss as velocity models weigh it, with much noise more: kohya's "
        "v_pred_like_loss; 0 is off.",
        ge=0,
        le=10,
    )
    noise_offset: float = setting(
        0.0, "Noise on the mean of each channel; helps very dark and bright pictures.", ge=0, le=1
    )
    noise_offset_random: bool = setting(
        default=False, help_text="Draw the strength of the noise offset anew for each picture."
    )
    adaptive_noise_scale: float = setting(
        0.0,
        "Add so much of each channel's own mean to the strength of the noise offset, which never "
        "falls below 0; 0 is off.",
        ge=-10,
        le=10,
    )
    multires_noise_iterations: int = setting(
        0,
        "Coarser and coarser layers of noise added (multi-resolution noise); 6 is usual, 0 is off.",
        unit="layers",
        ge=0,
        le=10,
    )
    multires_noise_discount: float = setting(
        0.3, "Strength of each coarser layer, as a share of the one before.", ge=0, le=1
    )
    input_perturbation: float = setting(0.0, "Extra noise on the input only.", ge=0, le=1)
    zero_terminal_snr: bool | None = setting(
        None,
        "Train the last noise level on pure noise, for velocity models; empty follows the base.",
    )
    min_timestep: int = setting(0, "First noise level that is trained.", ge=0, le=999)
    max_timestep: int = setting(1000, "First noise level that is not trained.", ge=1, le=1000)

    @model_validator(mode="after")
    def _check_levels(self) -> Self:
        if self.min_timestep >= self.max_timestep:
            raise ValueError("min_timestep must be below max_timestep.")
        return self
