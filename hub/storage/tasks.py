"""Housekeeping of stored bytes, run by beat."""

from celery import shared_task

from hub.core.tasks import TaskName
from hub.storage import garbage, uploads


@shared_task(name=str(TaskName.STORAGE_COLLECT), soft_time_limit=600, time_limit=660)
def collect_garbage(**_: object) -> None:
    """Remove blobs that nothing points to."""
    garbage.collect_garbage()


@shared_task(name=str(TaskName.STORAGE_EXPIRE), soft_time_limit=300, time_limit=330)
def expire_uploads(**_: object) -> None:
    """Drop uploads that were never finished or used."""
    uploads.expire_uploads()
