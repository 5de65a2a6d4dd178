"""Telling browsers, once a change is committed. The channel layer is a hint; rows are the truth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db import transaction

from hub.core.live import send_to_groups
from training.jobs.messages import QUEUE_GROUP, job_group, message_of, team_group
from training.jobs.models.event import JobEvent
from training.jobs.models.job import Job


def tell_job(job: Job, events: Sequence[JobEvent]) -> None:
    """Send the events to everyone who watches the job, after commit, in one message."""
    if events:
        message = {"type": "job.events", "events": [message_of(event) for event in events]}
        transaction.on_commit(partial(send_to_groups, (job_group(job.pk),), message))


def tell_queue(job: Job) -> None:
    """Say that the line changed because of this job, after commit."""
    message = {
        "type": "queue.changed",
        "job": {"id": str(job.pk), "number": job.number, "state": job.state, "team": job.team_id},
    }
    groups = (team_group(job.team_id), QUEUE_GROUP)
    transaction.on_commit(partial(send_to_groups, groups, message))
