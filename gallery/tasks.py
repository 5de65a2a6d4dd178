"""Background work of the gallery: ids in, one service call."""

from celery import shared_task
from django.utils import timezone

from gallery.services.process import enqueue_waiting_images, process_image
from gallery.services.resources import link_version
from hub.core.tasks import TaskName


@shared_task(name=TaskName.GALLERY_PROCESS_IMAGE, soft_time_limit=120, time_limit=150)
def process_image_task(*, image_id: int, **_: object) -> None:
    """Read a picture: size, colours, generation data, models. Twice is the same as once."""
    process_image(image_id=image_id, now=timezone.now())


@shared_task(name=TaskName.GALLERY_PROCESS_WAITING, soft_time_limit=60, time_limit=90)
def process_waiting_images(**_: object) -> None:
    """Ask again for pictures whose wake-up was lost."""
    enqueue_waiting_images(now=timezone.now())


@shared_task(name=TaskName.GALLERY_LINK_VERSION, soft_time_limit=600, time_limit=660)
def link_version_task(*, version_id: int, **_: object) -> None:
    """Tie pictures that waited for this model version to it. Twice is the same as once."""
    link_version(version_id=version_id)
