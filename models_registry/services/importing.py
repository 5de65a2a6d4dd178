"""Import by address: begun, cancelled and tried again by a person; swept up after lost workers.

The states are in models.remote_import; `services.fetching` does the work.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from hub.accounts.models import User
from hub.core import audit
from hub.core.errors import Conflict, Invalid
from hub.core.tasks import TaskName, enqueue_on_commit
from models_registry.import_queries import import_of
from models_registry.models.remote_import import RemoteImport, RemoteStatus
from models_registry.remote.fetching import check_url
from models_registry.services.columns import asked_language
from models_registry.services.fetching import received_path

OPEN = (RemoteStatus.QUEUED, RemoteStatus.RUNNING)
MAX_OPEN = 5
LOST_AFTER = timedelta(minutes=3)
LOST_ENDING_AFTER = timedelta(minutes=45)
RETRY_AFTER = timedelta(seconds=30)
MAX_URL = 2000


def begin_import(*, actor: User, url: str) -> RemoteImport:
    """Have a file fetched; raises Invalid for what is no address, Conflict when too many run."""
    url = check_url(url)
    if len(url) > MAX_URL:
        message = _("This address is longer than %s characters.") % MAX_URL
        raise Invalid(message, code="url_too_long")
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).only("pk").get(pk=actor.pk)
        if RemoteImport.objects.filter(owner=actor, status__in=OPEN).count() >= MAX_OPEN:
            raise Conflict(
                _("%s of your imports are still open. Wait for one, or cancel it.") % MAX_OPEN,
                code="too_many_imports",
            )
        row = RemoteImport.objects.create(owner=actor, url=url, language=asked_language())
        audit.record(actor=actor, action="import.begin", target=row, detail={"url": url})
        enqueue_on_commit(TaskName.REGISTRY_FETCH, import_id=str(row.pk))
    return row


def cancel_import(*, actor: User, import_id: UUID) -> None:
    """Stop fetching; what came stays for another attempt until it expires."""
    with transaction.atomic():
        row = import_of(actor, import_id)
        _move(row, OPEN, RemoteStatus.CANCELED)
        audit.record(actor=actor, action="import.cancel", target=row)


def retry_import(*, actor: User, import_id: UUID) -> None:
    """Go on behind the bytes that came."""
    with transaction.atomic():
        row = import_of(actor, import_id)
        stopped = (RemoteStatus.FAILED, RemoteStatus.CANCELED)
        _move(row, stopped, RemoteStatus.QUEUED, attempts=0, failure="", language=asked_language())
        audit.record(actor=actor, action="import.retry", target=row)
        enqueue_on_commit(TaskName.REGISTRY_FETCH, import_id=str(row.pk))


def resume_imports(*, now: datetime) -> int:
    """Ask again for imports whose worker or wake-up was lost; drop what nobody went on with."""
    running = RemoteImport.objects.filter(status=RemoteStatus.RUNNING)
    # A complete file is hashed and stored in one go, which gives no sign of life.
    ending = running.filter(received_bytes=F("size_bytes"), updated_at__lt=now - LOST_ENDING_AFTER)
    fetching = running.exclude(received_bytes=F("size_bytes"), size_bytes__isnull=False)
    for lost in (ending, fetching.filter(updated_at__lt=now - LOST_AFTER)):
        lost.update(status=RemoteStatus.QUEUED)
    waiting = RemoteImport.objects.filter(
        status=RemoteStatus.QUEUED, updated_at__lt=now - RETRY_AFTER
    )
    ids = list(waiting.order_by("created_at", "pk").values_list("pk", flat=True))
    for import_id in ids:
        enqueue_on_commit(TaskName.REGISTRY_FETCH, import_id=str(import_id))
    _expire(now)
    return len(ids)


def _move(
    row: RemoteImport, before: tuple[RemoteStatus, ...], after: RemoteStatus, **columns: object
) -> None:
    changed = RemoteImport.objects.filter(pk=row.pk, status__in=before).update(
        status=after, updated_at=timezone.now(), **columns
    )
    if not changed:
        raise Conflict(_("This import has moved on meanwhile. Reload the page."), code="stale")


def _expire(now: datetime) -> None:
    """Drop the bytes of imports that failed or were cancelled and were left alone."""
    stopped = RemoteImport.objects.filter(
        status__in=(RemoteStatus.FAILED, RemoteStatus.CANCELED),
        updated_at__lt=now - timedelta(hours=settings.UPLOAD_EXPIRES_HOURS),
        received_bytes__gt=0,
    )
    for row in stopped:
        received_path(row.pk).unlink(missing_ok=True)
        RemoteImport.objects.filter(pk=row.pk).update(received_bytes=0, validator="")
