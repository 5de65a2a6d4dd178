"""One step of training: predict, measure, go back, clip, move."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from training.engine import randomness
from training.engine.components import Components
from training.engine.data.batches import Batch, Feed
from training.engine.ema import Ema
from training.engine.errors import NonFiniteLossError, OutOfMemoryError
from training.engine.methods.base import Method
from training.engine.objective import LossRule, NoiseRule, NoiseSchedule
from training.engine.optim import Optimizing
from training.engine.precision import Precision
from training.engine.text import TextConditioner


@dataclass(frozen=True)
class StepOutcome:
    """What a step leaves to tell; the tensors are still on the device."""

    step: int  # counted from 0
    loss: torch.Tensor
    norm: torch.Tensor
    rates: dict[str, float]
    ids: list[str]
    losses: torch.Tensor  # of each picture, in the order of `ids`


class Stepper:
    """Holds what a step needs; on a GPU it never waits for the device."""

    def __init__(
        self,
        *,
        components: Components,
        conditioner: TextConditioner,
        method: Method,
        feed: Feed,
        optimizing: Optimizing,
        ema: Ema | None,
        noise: NoiseRule,
        loss: LossRule,
        schedule: NoiseSchedule,
        precision: Precision,
        seed: int,
        on_warning: Callable[[str, str], None],
        emphasis: bool = False,
    ) -> None:
        self.components = components
        self.conditioner = conditioner
        self.method = method
        self.feed = feed
        self.optimizing = optimizing
        self.ema = ema
        self.noise = noise
        self.loss = loss
        self.schedule = schedule
        self.precision = precision
        self.seed = seed
        self.on_warning = on_warning
        self.emphasis = emphasis  # captions have weights, as A1111's prompts
        self.split = 1
        self.scaler = torch.amp.GradScaler(precision.device, enabled=precision.use_scaler)
        self._broken = BrokenLoss(optimizing.optimizer, self.scaler, components.device)

    def step(self, step: int) -> StepOutcome:
        """Take the step with this number, counted from 0.

        Where memory runs out, the step is begun again one rung further down the ladder:
        gradient checkpointing, then half the pictures in a pass, and half again.
        Raises NonFiniteLossError, OutOfMemoryError.
        """
        while True:
            try:
                return self._attempt(step)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error)
            self._give_way(reason)  # outside the handler, which would keep the tensors alive

    def _attempt(self, step: int) -> StepOutcome:
        self.method.before_step(step, self.optimizing.total_steps)
        # The libraries' own draws (dropout) come from torch's generator: pin it to the step.
        torch.manual_seed(randomness.torch_seed(self.seed, "torch", step))
        total = torch.zeros((), device=self.components.device)
        ids: list[str] = []
        parts: list[torch.Tensor] = []
        for batch in self.feed.batches(step, split=self.split):
            losses = self.losses(batch, step)
            loss = (losses * batch.weights).sum() / batch.divisor
            self._refuse_non_finite(losses, batch)
            parts.append(losses.detach())
            scaled: Any = self.scaler.scale(loss)
            scaled.backward()
            total += loss.detach()
            ids += batch.ids
        self._broken.note(total)
        norm, rates = self._move(step)
        return StepOutcome(step, total, norm, rates, ids, torch.cat(parts))

    def _give_way(self, reason: str) -> None:
        self.optimizing.optimizer.zero_grad(set_to_none=True)
        if self.precision.device == "cuda":
            torch.cuda.empty_cache()
        unet = self.components.unet
        if not unet.is_gradient_checkpointing:
            unet.enable_gradient_checkpointing()
            rung = "gradient checkpointing is on now"
        elif self.split < self.feed.rule.batch_size:
            self.split *= 2
            rung = f"each pass is cut into {self.split} now"
        else:
            raise OutOfMemoryError(
                "The memory of the device is not enough even for one picture at a time. Lower the "
                f"resolution, or choose a smaller base model. ({reason})"
            )
        self.on_warning("out_of_memory", f"Memory ran out; {rung}, and the step is taken again.")

    def losses(
        self, batch: Batch, step: int, *, noise_rule: NoiseRule | None = None
    ) -> torch.Tensor:
        """Return the weighed loss of each picture of a pass, with the draws of this step.

        `noise_rule` draws instead of the run's own rule where given.
        """
        rule = noise_rule or self.noise
        shape = tuple(batch.latents.shape[1:])
        device = self.components.device
        timesteps = rule.timesteps(step, batch.slots, batch.total_slots).to(device)
        noise = rule.noise(step, batch.slots, shape).to(device)
        extra_noise = rule.disturbance(step, batch.slots, shape)
        input_noise = noise if extra_noise is None else noise + extra_noise.to(device)
        noisy = self.schedule.add_noise(batch.latents, input_noise, timesteps)
        target = self.schedule.target(batch.latents, noise, timesteps)
        with self.components.autocast():
            prediction = self._predict(noisy, timesteps, batch)
        return self.loss.per_sample(prediction, target, timesteps, self.schedule, batch.masks)

    def _predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, batch: Batch) -> torch.Tensor:
        text = self.conditioner.captions(batch.texts, emphasis=self.emphasis)
        extra: dict[str, Any] | None = None
        if text.pooled is not None:
            extra = {"text_embeds": text.pooled, "time_ids": batch.time_ids}
        output = self.components.unet(
            noisy, timesteps, encoder_hidden_states=text.embeddings, added_cond_kwargs=extra
        )
        prediction: torch.Tensor = output.sample
        return prediction

    def _refuse_non_finite(self, losses: torch.Tensor, batch: Batch) -> None:
        """Stop before the weights move, where the optimizer cannot be told not to move them.

        On a GPU this is seen when the losses are next read: the step waits for nothing.
        """
        waits = self.precision.device == "cpu" and not self._broken.stops_the_optimizer
        if waits and not bool(torch.isfinite(losses).all()):
            raise non_finite(batch.ids, losses.tolist())

    def _move(self, step: int) -> tuple[torch.Tensor, dict[str, float]]:
        self.scaler.unscale_(self.optimizing.optimizer)
        norm = self.optimizing.clip()
        rates = self.optimizing.step(step, self.scaler)
        self.method.after_step()
        if self.ema is not None:
            self.ema.update(step)
        return norm, rates


class BrokenLoss:
    """Keeps the weights still from the first loss that is not finite, without asking the device.

    The fused optimizer reads a flag on the device and moves nothing while it is set; the host sees
    the loss when it next reads some, and ends the run.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, device: str
    ) -> None:
        supported = getattr(optimizer, "_step_supports_amp_scaling", False)
        self.stops_the_optimizer = bool(supported) and not scaler.is_enabled()
        self._optimizer: Any = optimizer
        self._flag = torch.zeros((), device=device)

    def note(self, loss: torch.Tensor) -> None:
        """Take in the loss of a step, before its optimizer moves."""
        if not self.stops_the_optimizer:
            return
        self._flag = torch.maximum(self._flag, 1 - torch.isfinite(loss).float())
        self._optimizer.found_inf = self._flag


def is_out_of_memory(error: RuntimeError) -> bool:
    """Tell whether a device, or the machine itself, had no more memory to give."""
    no_more = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in no_more)


def non_finite(ids: list[str], losses: list[float]) -> NonFiniteLossError:
    """Return the error that names the pictures whose loss is not finite."""
    bad = {name for name, loss in zip(ids, losses, strict=True) if not math.isfinite(loss)}
    return NonFiniteLossError(
        f"The loss of {', '.join(sorted(bad or ids))} is not a finite number. The run stopped "
        "before the weights changed, and the last saved state is good. Lower the learning rate, or "
        "leave the picture out."
    )
