"""Background work of the queue that needs no GPU; training is in training/worker/tasks.py."""

from __future__ import annotations

from celery import shared_task

from hub.core.tasks import TaskName
from training.jobs.services import lifecycle
from training.jobs.services.comparisons import COMPARISONS
from training.jobs.services.grids import GRIDS


@shared_task(name=str(TaskName.JOBS_REAP), soft_time_limit=60, time_limit=90)
def reap_lost_jobs(**_: object) -> None:
    """Take back the jobs of workers that gave no sign of life, and wake those that live."""
    lifecycle.requeue_lost_jobs()
    GRIDS.requeue_lost()
    COMPARISONS.requeue_lost()
    lifecycle.wake_if_waiting()
