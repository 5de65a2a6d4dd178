"""Auto-tagging: asked for on the page, done by a worker with the operator's tagger."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core.errors import AtelierError, Conflict, Invalid
from hub.core.sole_work import sole_work_on
from hub.core.tasks import TaskName, enqueue_on_commit
from hub.storage.blobs import ensure_local, scratch_folder
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item
from training.datasets.models.tagging import TaggingRun, TaggingStatus
from training.datasets.permissions import require_edit
from training.datasets.queries import items_of
from training.datasets.services.tagger import tags_from_program
from training.datasets.services.tags import add_found_tags

PICTURES_AT_ONCE = 16
RESUME_AFTER = timedelta(minutes=2)
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}


def can_auto_tag() -> bool:
    """Whether the operator has named a tagger."""
    return bool(settings.TAGGER_COMMAND)


def start_tagging(*, actor: User, dataset: Dataset, items: Sequence[Item]) -> TaggingRun:
    """Ask for tags of these pictures. Raises Conflict while another run of the dataset is on."""
    require_edit(actor, dataset)
    if not can_auto_tag():
        raise Invalid(_("This hub has no tagger. Its operator can name one."))
    if not items:
        raise Invalid(_("Choose at least one picture, all of the same dataset."))
    try:
        with transaction.atomic():
            run = TaggingRun.objects.create(
                dataset=dataset, actor=actor, items=[item.pk for item in items]
            )
            enqueue_on_commit(TaskName.DATASETS_TAG, run_id=str(run.pk))
    except IntegrityError as error:
        raise Conflict(_("Pictures of this dataset are being tagged already.")) from error
    return run


def run_tagging(*, run_id: UUID) -> None:
    """Ask the tagger for every picture that has no answer yet, then add all tags in one step.

    Goes on where a killed worker stopped; a second call meanwhile does nothing.
    """
    with sole_work_on(f"tagging {run_id}") as is_alone:
        run = TaggingRun.objects.select_related("dataset", "actor").filter(pk=run_id).first()
        if run is None or not is_alone or run.status != TaggingStatus.WAITING:
            return
        try:
            _find_all(run)
            _finish(run)
        except AtelierError as error:
            _end(run, TaggingStatus.FAILED, error.message)


def resume_tagging() -> int:
    """Ask again for runs whose wake-up or worker was lost; returns how many."""
    late = timezone.now() - RESUME_AFTER
    waiting = TaggingRun.objects.filter(status=TaggingStatus.WAITING, created_at__lt=late)
    for run_id in waiting.values_list("pk", flat=True):
        enqueue_on_commit(TaskName.DATASETS_TAG, run_id=str(run_id))
    return len(waiting)


def _find_all(run: TaggingRun) -> None:
    missing = [str(item) for item in run.items if str(item) not in run.found]
    items = list(items_of(run.dataset).filter(pk__in=missing))
    for start in range(0, len(items), PICTURES_AT_ONCE):
        batch = items[start : start + PICTURES_AT_ONCE]
        with tempfile.TemporaryDirectory(dir=scratch_folder(), prefix="tagging-") as folder:
            paths = {_picture_file(item, Path(folder)): item for item in batch}
            seconds = settings.TAGGER_SECONDS * len(paths)
            found = tags_from_program(settings.TAGGER_COMMAND, list(paths), seconds=seconds)
        run.found |= {str(item.pk): found.get(path, []) for path, item in paths.items()}
        run.save(update_fields=["found"])


def _picture_file(item: Item, folder: Path) -> Path:
    suffix = SUFFIXES.get(item.blob.content_type, "")
    return ensure_local(item.blob, folder, name=f"{item.pk}{suffix}")


def _finish(run: TaggingRun) -> None:
    with transaction.atomic():
        found = {UUID(item): tags for item, tags in run.found.items() if tags}
        add_found_tags(actor=run.actor, dataset=run.dataset, found=found)
        _end(run, TaggingStatus.DONE)


def _end(run: TaggingRun, status: TaggingStatus, message: str = "") -> None:
    run.status, run.error_message, run.finished_at = status, message, timezone.now()
    run.save(update_fields=["status", "error_message", "finished_at"])
