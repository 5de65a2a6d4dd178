"""The curves of a run, as the script of its page draws them."""

from collections.abc import Sequence
from typing import Any

from training.jobs.models.job import Job
from training.jobs.queries import LossPoint, held_out_curve, loss_curve


def curves_of(job: Job) -> dict[str, Any]:
    """Training loss and, where pictures were held out, their loss.

    Of each point its step, its time in seconds since the run began, and its value.
    """
    trained, held_out = loss_curve(job), held_out_curve(job)
    return {
        "steps": [point.step for point in trained],
        "times": _seconds(job, trained),
        "losses": [point.loss for point in trained],
        "heldSteps": [point.step for point in held_out],
        "heldTimes": _seconds(job, held_out),
        "heldLosses": [point.loss for point in held_out],
    }


def _seconds(job: Job, points: Sequence[LossPoint]) -> list[float]:
    began = job.started_at or job.created_at
    return [round((point.at - began).total_seconds(), 1) for point in points]
