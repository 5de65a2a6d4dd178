"""Train the decoder of the analytic autoencoder; the encoder stays as it is."""

import logging
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from training.base_models.tiny.recipe.library import Library
from training.base_models.tiny.recipe.pace import Pace, rate_factor
from training.base_models.tiny.recipe.pictures import picture_loss, psnr, to_tensor

log = logging.getLogger(__name__)

SEED: Final = 5
LEARNING_RATE: Final = 1e-3
CROP: Final = 64
CROP_SHARE: Final = 0.65
LATENT_NOISE: Final = 0.06


class DecoderTrainer:
    """The trainable half of an autoencoder with its optimizer and moving average."""

    def __init__(self, vae: AutoencoderKL, learning_rate: float, ema: float) -> None:
        """Freeze the encoder."""
        vae.requires_grad_(requires_grad=False)
        self.vae, self.ema, self.learning_rate = vae, ema, learning_rate
        self.parameters = [*vae.decoder.parameters(), *vae.post_quant_conv.parameters()]
        for parameter in self.parameters:
            parameter.requires_grad_(requires_grad=True)
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self.average = [p.detach().clone() for p in self.parameters]
        self.step = 0

    def update(self, loss: Tensor, rate: float) -> None:
        """Take one optimizer step at `rate` times the learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * rate
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - keep)

    @torch.no_grad()
    def swap_average(self) -> None:
        """Exchange the weights with their moving average."""
        for parameter, average in zip(self.parameters, self.average, strict=True):
            kept = parameter.clone()
            parameter.copy_(average)
            average.copy_(kept)


def train_decoder(vae: AutoencoderKL, library: Library, pace: Pace, out: Path) -> float:
    """Train on crops, then on whole pictures; writes the average and returns its PSNR in dB."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    trainer = DecoderTrainer(vae, LEARNING_RATE, ema=0.998)
    check = to_tensor(np.stack([library.picture(np.random.default_rng([9, i])) for i in range(32)]))
    while (done := pace.position(trainer.step)[0]) < 1:
        wanted = _batch(library, rng, whole=done > CROP_SHARE)
        with torch.no_grad():
            latents = vae.encode(wanted).latent_dist.mean
            strength = LATENT_NOISE * torch.rand(len(latents), 1, 1, 1)
            latents = latents + strength * torch.randn_like(latents)
        loss = picture_loss(vae.decode(latents).sample, wanted)
        trainer.update(loss, rate_factor(trainer.step, done))
        if trainer.step % 500 == 0:
            log.info("decoder step %d: %.2f dB", trainer.step, _check(trainer, check))
            _save_average(trainer, out)
    _save_average(trainer, out)
    return _check(trainer, check)


def _batch(library: Library, rng: np.random.Generator, *, whole: bool) -> Tensor:
    if whole:
        return to_tensor(library.picture(rng)[None])
    return to_tensor(np.stack([library.picture(rng, CROP) for _ in range(4)]))


def _save_average(trainer: DecoderTrainer, out: Path) -> None:
    trainer.swap_average()
    trainer.vae.save_pretrained(out)
    trainer.swap_average()


@torch.no_grad()
def _check(trainer: DecoderTrainer, pictures: Tensor) -> float:
    trainer.swap_average()
    drawn = [trainer.vae(x, sample_posterior=False).sample for x in pictures.split(8)]
    trainer.swap_average()
    return psnr(torch.cat(drawn), pictures)
