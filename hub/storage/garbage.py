"""Blobs that nothing points to: kept for a grace period, then removed, bytes after commit.

With them go files that a killed process had begun to put into the store. Nothing is collected
while a backup is made: it copies the bytes of rows that it saw at its start.
"""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from hub.core.sole_work import sole_work_on
from hub.storage.backends.base import key_for
from hub.storage.backends.chosen import blob_store
from hub.storage.models import Blob

COLLECTING = "storage:collect"  # the name of the work that one process at a time may do
GRACE = timedelta(days=7)
BATCH = 500


def unreferenced(*, grace: timedelta = GRACE) -> QuerySet[Blob]:
    """Blobs older than the grace period to which no row of any model points."""
    found = Blob.objects.filter(created_at__lt=timezone.now() - grace)
    for relation in Blob._meta.related_objects:
        model, column = relation.related_model, relation.field.attname
        found = found.exclude(Exists(model._default_manager.filter(**{column: OuterRef("pk")})))
    return found


def collect_garbage(*, grace: timedelta = GRACE) -> int:
    """Remove up to a batch of unreferenced blobs, unless a backup is being made; how many."""
    with sole_work_on(COLLECTING) as is_alone:
        return _collect(grace) if is_alone else 0


def _collect(grace: timedelta) -> int:
    removed = 0
    blob_store().tidy(grace_seconds=grace.total_seconds())
    for pk in list(unreferenced(grace=grace).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            blob = unreferenced(grace=grace).select_for_update(of=("self",)).filter(pk=pk).first()
            if blob is None:
                continue
            key = key_for(blob.sha256)
            blob.delete()
            transaction.on_commit(partial(_delete_bytes, blob.sha256, key))
        removed += 1
    return removed


def _delete_bytes(sha256: str, key: str) -> None:
    """Drop the object unless the same bytes were stored anew meanwhile."""
    if not Blob.objects.filter(sha256=sha256).exists():
        blob_store().delete(key)
