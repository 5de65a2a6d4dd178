"""Background work of comments."""

from celery import shared_task
from django.utils import timezone

from hub.comments.deletion import forget_deleted_comments
from hub.core.tasks import TaskName


@shared_task(name=TaskName.COMMENTS_FORGET, soft_time_limit=60, time_limit=90)
def forget_deleted_comments_task(**_: object) -> None:
    """Forget deleted comments that cannot be brought back any more. Twice is as once."""
    forget_deleted_comments(now=timezone.now())
