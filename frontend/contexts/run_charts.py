"""The curves of a run, as the script of its page draws them."""

from typing import Any

from training.jobs.models.job import Job
from training.jobs.queries import held_out_curve, loss_curve


def curves_of(job: Job) -> dict[str, Any]:
    """Training loss and, where pictures were held out, their loss: steps and values of each."""
    trained, held_out = loss_curve(job), held_out_curve(job)
    return {
        "steps": [point.step for point in trained],
        "losses": [point.loss for point in trained],
        "heldSteps": [point.step for point in held_out],
        "heldLosses": [point.loss for point in held_out],
    }
