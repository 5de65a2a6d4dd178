"""Telling browsers, once a change is committed. The channel layer is a hint; rows are the truth."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from training.jobs.messages import QUEUE_GROUP, job_group, message_of, team_group
from training.jobs.models.event import JobEvent
from training.jobs.models.job import Job

logger = logging.getLogger(__name__)


def tell_job(job: Job, events: Sequence[JobEvent]) -> None:
    """Send the events to everyone who watches the job, after commit, in one message."""
    if events:
        message = {"type": "job.events", "events": [message_of(event) for event in events]}
        transaction.on_commit(partial(_send, (job_group(job.pk),), message))


def tell_queue(job: Job) -> None:
    """Say that the line changed because of this job, after commit."""
    message = {
        "type": "queue.changed",
        "job": {"id": str(job.pk), "number": job.number, "state": job.state, "team": job.team_id},
    }
    transaction.on_commit(partial(_send, (team_group(job.team_id), QUEUE_GROUP), message))


def _send(groups: Sequence[str], message: dict[str, Any]) -> None:
    """Send to groups; a channel layer that is down loses hints, never events: pages replay."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        for group in groups:
            async_to_sync(layer.group_send)(group, message)
    except (OSError, RedisError) as error:
        logger.warning("The channel layer did not take a message: %s", error)
