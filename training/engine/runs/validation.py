"""The loss of held-out pictures: always the same pictures, noise and noise levels.

Where it rises while the training loss falls, the run memorises. It is measured on the weights that
a file of this moment would hold, in the training's own measure, and moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from training.engine.data.fixed import FixedFeed
from training.engine.errors import OutOfMemoryError
from training.engine.events import Stage, Validated
from training.engine.machine.memory import going_on, let_go
from training.engine.objective import NoiseRule

if TYPE_CHECKING:
    from training.engine.runs.session import Session


@dataclass(frozen=True)
class Validation:
    """What is measured, and after which steps."""

    feed: FixedFeed
    noise: NoiseRule
    every_steps: int
    every_epochs: int

    def is_due(self, step: int, *, steps_per_epoch: int, total_steps: int) -> bool:
        """Tell whether to measure after `step` steps: before the first, between, at the end."""
        if step in (0, total_steps):
            return True
        if self.every_steps and step % self.every_steps == 0:
            return True
        epoch, inside = divmod(step, steps_per_epoch)
        return bool(self.every_epochs) and inside == 0 and epoch % self.every_epochs == 0


def validate_if_due(session: Session) -> None:
    """Measure the held-out pictures where it is time and has not been done, and tell it."""
    validation, step = session.validation, session.step
    if validation is None or not session.among.is_first:
        return
    if step in session.run.journal.validated:
        return
    if not validation.is_due(
        step, steps_per_epoch=session.steps_per_epoch, total_steps=session.total_steps
    ):
        return
    journal = session.run.journal
    session.progress.flush()
    journal.emit(Stage(stage="validating", total=len(validation.feed.items)))
    loss = measure(session, validation)
    journal.emit(
        Validated(
            step=step,
            total_steps=session.total_steps,
            epoch=session.epoch,
            loss=loss,
            images=len(validation.feed.items),
        )
    )
    session.progress.rest()
    journal.emit(Stage(stage="training", done=step, total=session.total_steps))


def measure(session: Session, validation: Validation) -> float:
    """Return the mean loss of all held-out pictures at all their noise levels.

    Where memory runs out, half as many are measured in a pass; each one's loss is its own, so that
    the mean stays the same. Raises OutOfMemoryError where even one is too many.
    """
    stepper = session.stepper
    most = max(1, validation.feed.rule.own_size // stepper.split)

    def give_way(reason: str) -> None:
        nonlocal most
        if most == 1:
            raise OutOfMemoryError(
                "The memory of the device is not enough to measure one held-out picture. Lower the "
                f"resolution, or turn validation off. ({reason})"
            )
        let_go(stepper.precision.device)
        most //= 2
        message = f"Memory ran out; {most} held-out pictures are measured in a pass now."
        stepper.on_warning("out_of_memory", message)

    return going_on(lambda: _mean_loss(session, validation, most), give_way)


@torch.no_grad()
def _mean_loss(session: Session, validation: Validation, most: int) -> float:
    losses: list[torch.Tensor] = []
    with session.shown_weights(), session.evaluating():
        for batch in validation.feed.batches(most):
            found = session.stepper.losses(batch, 0, noise_rule=validation.noise)
            losses.append(found.double().cpu())
    return float(torch.cat(losses).mean())
