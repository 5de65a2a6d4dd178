"""Background work of datasets."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from hub.core.tasks import TaskName
from training.datasets.models.item import Item
from training.datasets.services import checks, importing, tagging


@shared_task(
    name=str(TaskName.DATASETS_IMPORT),
    soft_time_limit=3600,
    time_limit=3660,
    acks_late=True,
    reject_on_worker_lost=True,
)
def import_upload(*, dataset_id: str, upload_id: str, **_: object) -> None:
    """Read an upload into its dataset; goes on where a killed run stopped."""
    importing.import_upload(dataset_id=UUID(dataset_id), upload_id=UUID(upload_id))


@shared_task(
    name=str(TaskName.DATASETS_TAG),
    soft_time_limit=3 * 3600,
    time_limit=3 * 3600 + 60,
    acks_late=True,
    reject_on_worker_lost=True,
)
def run_tagging(*, run_id: str, **_: object) -> None:
    """Ask the operator's tagger; goes on where a killed run stopped."""
    tagging.run_tagging(run_id=UUID(run_id))


@shared_task(name=str(TaskName.DATASETS_RESUME), soft_time_limit=60, time_limit=90)
def resume_imports(**_: object) -> None:
    """Ask again for imports and tagging whose wake-up or worker was lost."""
    importing.resume_imports()
    tagging.resume_tagging()


@shared_task(name=str(TaskName.DATASETS_CHECK_ITEM), soft_time_limit=600, time_limit=660)
def check_item(*, item_id: str, **_: object) -> None:
    """Check the picture, and with it the look-alikes of its dataset, again."""
    item = Item.objects.select_related("dataset").get(pk=UUID(item_id))
    checks.check_dataset(dataset=item.dataset)
