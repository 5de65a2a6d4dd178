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
from training.engine.errors import NonFiniteLossError, OutOfMemoryError
from training.engine.machine.memory import going_on, let_go
from training.engine.machine.precision import Precision
from training.engine.machine.processes import Processes
from training.engine.method import Method
from training.engine.objective import LossRule, NoiseRule, NoiseSchedule
from training.engine.optimizers.ema import Ema
from training.engine.optimizers.optim import Optimizing
from training.engine.text import TextConditioner


@dataclass(frozen=True)
class StepOutcome:
    """What a step leaves to tell; `loss` and `norm` are scalars still on the device."""

    step: int  # counted from 0
    loss: torch.Tensor
    norm: torch.Tensor
    rates: dict[str, float]
    ids: list[str]
    losses: torch.Tensor | None = None  # of each picture, in the order of `ids`
    scaled: bool = False  # a scaler takes back what overflows, so that its norm may be infinite

    def is_sound(self, loss: float, norm: float) -> bool:
        """Tell whether figures that were read from the device are those of a step to go on from."""
        return math.isfinite(loss) and (self.scaled or math.isfinite(norm))


@dataclass
class Stepper:
    """Holds what a step needs; on a GPU it never waits for the device."""

    components: Components
    conditioner: TextConditioner
    method: Method
    feed: Feed
    optimizing: Optimizing
    ema: Ema | None
    noise: NoiseRule
    loss: LossRule
    schedule: NoiseSchedule
    precision: Precision
    seed: int
    on_warning: Callable[[str, str], None]
    among: Processes
    emphasis: bool = False  # captions have weights, as A1111's prompts
    split: int = 1  # each pass is cut into so many

    def __post_init__(self) -> None:
        self.scaler = self._scaler({})

    def _scaler(self, state: dict[str, Any]) -> torch.amp.GradScaler:
        scaler = torch.amp.GradScaler(self.precision.device, enabled=self.precision.use_scaler)
        if state:
            scaler.load_state_dict(state)
        return scaler

    def step(self, step: int) -> StepOutcome:
        """Take the step with this number, counted from 0.

        Where memory runs out, the step is begun again one rung further down the ladder:
        gradient checkpointing, then half the pictures in a pass, and half again.
        Raises NonFiniteLossError, OutOfMemoryError.
        """
        return going_on(lambda: self._attempt(step), self._give_way)

    def _attempt(self, step: int) -> StepOutcome:
        self.method.before_step(step, self.optimizing.total_steps)
        self._settle(step)
        # The libraries' own draws (dropout) come from torch's generator: pin it to the step.
        torch.manual_seed(randomness.torch_seed(self.seed, "torch", step, self.among.rank))
        total = torch.zeros((), device=self.components.device)
        ids: list[str] = []
        parts: list[torch.Tensor] = []
        for batch in self.feed.batches(step, split=self.split):
            losses = self.losses(batch, step)
            loss = (losses * batch.weights).sum() / batch.divisor
            if self.among.count == 1:  # of several, all stop together: once sums are known
                self._refuse_non_finite(losses, batch)
            parts.append(losses.detach())
            scaled: Any = self.scaler.scale(loss)
            scaled.backward()
            total += loss.detach()
            ids += batch.ids
        if self.among.count > 1:
            self.among.sum_gradients(self.optimizing.parameters)
            total, ids = self.among.sum(total), self.feed.ids(step)
        norm, rates = self._move(step, ids)
        each = torch.cat(parts) if self.among.count == 1 else None
        return StepOutcome(step, total, norm, rates, ids, each, self.scaler.is_enabled())

    def _settle(self, step: int) -> None:
        """Let what has come to its end rest; texts are remembered once their encoders do."""
        self.optimizing.settle(step)
        texts = [g for g in self.optimizing.groups if g.name.startswith("text_encoder")]
        if texts and all(self.optimizing.stands_still(group, step) for group in texts):
            self.conditioner.frozen = True

    def _give_way(self, reason: str) -> None:
        self.optimizing.optimizer.zero_grad(set_to_none=True)
        self.scaler = self._scaler(self.scaler.state_dict())  # a fresh one: nothing is unscaled yet
        let_go(self.precision.device)
        unet = self.components.unet
        if not unet.is_gradient_checkpointing:
            unet.enable_gradient_checkpointing()
            rung = "gradient checkpointing is on now"
        elif self.split < self.feed.rule.own_size:
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
        adaptive = rule.adaptive_part(batch.latents, step, batch.slots)
        noise = noise if adaptive is None else noise + adaptive
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

        Elsewhere, and on a GPU, this is seen when the losses are next read: the step waits for
        nothing.
        """
        if self._waits and not bool(torch.isfinite(losses).all()):
            raise non_finite(batch.ids, losses)

    @property
    def _waits(self) -> bool:
        """Tell whether the host looks at figures in a step: a fused optimizer does so itself."""
        fused = getattr(self.optimizing.optimizer, "_step_supports_amp_scaling", False)
        return self.precision.device == "cpu" and not fused

    def _move(self, step: int, ids: list[str]) -> tuple[torch.Tensor, dict[str, float]]:
        self.scaler.unscale_(self.optimizing.optimizer)
        norm = self.optimizing.clip()
        if self._waits and not self.scaler.is_enabled() and not bool(torch.isfinite(norm)):
            raise non_finite(ids)
        rates = self.optimizing.step(step, self.scaler, norm)
        self.method.after_step()
        if self.ema is not None:
            self.ema.update(step)
        return norm, rates


def non_finite(ids: list[str], losses: torch.Tensor | None = None) -> NonFiniteLossError:
    """Return the error that names the pictures of a step without a finite loss.

    All of them, where their losses are not known apart, or each is finite and the gradient is not.
    """
    if losses is not None:
        pairs = zip(ids, losses.tolist(), strict=True)
        ids = [name for name, loss in pairs if not math.isfinite(loss)] or ids
    ids = sorted(set(ids))
    return NonFiniteLossError(
        f"The loss of {', '.join(ids)}, or its gradient, is not a finite number. The run stopped "
        "before the weights changed, and the last saved state is good. Lower the learning rate, or "
        "leave the picture out."
    )
