"""A file that the hub fetches from an address for somebody.

QUEUED → RUNNING → SUCCEEDED | FAILED; QUEUED or RUNNING → CANCELED; FAILED or CANCELED → QUEUED
when its person tries again, which goes on behind the bytes that came. RUNNING → QUEUED when the
worker was lost. Each step is a conditional UPDATE.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from hub.core.models import TimeStamped


class RemoteStatus(models.TextChoices):
    """Where the file is on its way in."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Fetching")
    SUCCEEDED = "succeeded", _("Complete")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


class RemoteImport(TimeStamped):
    """One address; `updated_at` is also the sign of life of the worker that fetches it.

    `size_bytes` is None until the other side has told it. `validator` is its strong ETag: only the
    same bytes are gone on with. `upload_uuid` is the complete upload that the file became.
    `language` is the one that `failure` is told in: that of the page on which it was asked for.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="remote_imports"
    )
    url = models.CharField(max_length=2000)
    filename = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=9, choices=RemoteStatus, default=RemoteStatus.QUEUED)
    received_bytes = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    validator = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.TextField(blank=True)
    language = models.CharField(max_length=12, blank=True, default="", db_default="")
    upload_uuid = models.UUIDField(null=True, blank=True)

    class Meta:
        verbose_name = _("import by address")
        verbose_name_plural = _("imports by address")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=RemoteStatus.values), name="remote_import_status_known"
            ),
            models.CheckConstraint(
                condition=Q(size_bytes__isnull=True) | Q(received_bytes__lte=F("size_bytes")),
                name="remote_import_within_size",
            ),
            models.CheckConstraint(
                condition=~Q(status=RemoteStatus.SUCCEEDED) | Q(upload_uuid__isnull=False),
                name="remote_import_done_has_upload",
            ),
        ]
        indexes = [
            models.Index(
                fields=["updated_at"],
                name="remote_import_open",
                condition=Q(status__in=[RemoteStatus.QUEUED, RemoteStatus.RUNNING]),
            ),
            models.Index(fields=["owner", "-created_at"], name="remote_import_of_owner"),
        ]

    def __str__(self) -> str:
        return self.url[:80]
