"""How job events travel to a browser: one JSON object each, with its number."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hub.storage.models import Blob
from hub.storage.pictures import picture_url
from training.jobs.models.artifact import ArtifactKind
from training.jobs.models.event import EventKind, JobEvent

THUMBNAIL_WIDTH = 320
QUEUE_GROUP = "queue"


def job_group(job_id: UUID) -> str:
    """Name of the channel group of one job."""
    return f"job-{job_id}"


def team_group(team_id: int) -> str:
    """Name of the channel group that hears of every change in a team's part of the queue."""
    return f"queue-team-{team_id}"


def message_of(event: JobEvent) -> dict[str, Any]:
    """The message of an event; samples get addresses that are valid for a day or two."""
    data = dict(event.data)
    if event.kind == EventKind.ARTIFACT and data.get("kind") == ArtifactKind.SAMPLE:
        blob = Blob(sha256=data["sha256"], content_type=data["content_type"])
        data["url"] = picture_url(blob)
        data["thumbnail_url"] = picture_url(blob, THUMBNAIL_WIDTH)
    return {
        "sequence": event.sequence,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "data": data,
    }
