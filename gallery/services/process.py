"""Reading a picture after it was posted: colours, generation data, models."""

from datetime import datetime, timedelta

from django.db import transaction

from gallery.models import Generation, Image
from gallery.models.image import ImageStatus
from gallery.services.generation_data import (
    ReadGeneration,
    keep_generation,
    read_generation_data,
)
from gallery.services.images import note_content_type, picture_path
from gallery.services.resources import link_resources
from hub.core.errors import AtelierError
from hub.core.tasks import TaskName, enqueue_on_commit
from hub.storage.pictures import PictureFacts, inspect_picture

WAITING_AFTER = timedelta(minutes=5)
WAITING_BATCH = 200


def enqueue_waiting_images(*, now: datetime) -> int:
    """Ask again for pictures that nobody looked at: a wake-up may be lost, the row is not."""
    waiting = Image.objects.filter(
        status=ImageStatus.PENDING, created_at__lt=now - WAITING_AFTER
    ).order_by("id")
    ids = list(waiting.values_list("pk", flat=True)[:WAITING_BATCH])
    for image_id in ids:
        enqueue_on_commit(TaskName.GALLERY_PROCESS_IMAGE, image_id=image_id)
    return len(ids)


def process_image(*, image_id: int, now: datetime) -> Image | None:
    """Read the file of a picture and make it READY, or FAILED with a reason for its owner.

    Idempotent; None when the picture was deleted in the meantime.
    """
    image = (
        Image.objects.select_related("blob", "owner", "post__model_version__model", "generation")
        .filter(pk=image_id)
        .first()
    )
    if image is None:
        return None
    try:
        with picture_path(image.blob) as path:
            facts = inspect_picture(path)
            found = read_generation_data(path)
    except AtelierError as error:
        return _fail(image, error.message, now=now)
    except FileNotFoundError:
        return _fail(image, "The file is missing on the hub's disk.", now=now)
    with transaction.atomic():
        note_content_type(image.blob, facts.content_type)
        has_data = _keep_found(image, found)
        _finish(image, facts, has_data=has_data, now=now)
        fresh = Image.objects.select_related(
            "owner", "post__model_version__model", "generation"
        ).get(pk=image.pk)
        link_resources(image=fresh)
    return image


def _keep_found(image: Image, found: ReadGeneration | None) -> bool:
    """Keep what the file says unless a text came with the post; whether there is data now."""
    kept = Generation.objects.filter(image=image)
    if kept.filter(is_given=True).exists():
        return True
    if found is None:
        kept.delete()
        return False
    keep_generation(image, found)
    return True


def _finish(image: Image, facts: PictureFacts, *, has_data: bool, now: datetime) -> None:
    image.width, image.height = facts.width, facts.height
    image.average_colour, image.placeholder = facts.average_colour, facts.placeholder
    image.blurhash = facts.blurhash
    image.has_generation_data = has_data
    image.status, image.failure, image.processed_at = ImageStatus.READY, "", now
    image.save(
        update_fields=[
            *("width", "height", "average_colour", "placeholder", "blurhash"),
            *("has_generation_data", "status", "failure", "processed_at", "updated_at"),
        ]
    )


def _fail(image: Image, reason: str, *, now: datetime) -> Image:
    image.status, image.failure, image.processed_at = ImageStatus.FAILED, reason[:300], now
    image.save(update_fields=["status", "failure", "processed_at", "updated_at"])
    return image
