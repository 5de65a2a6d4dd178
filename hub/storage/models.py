"""Stored bytes: a Blob is one object per SHA-256; an Upload is a file on its way in.

Upload states: RECEIVING -> COMPLETE -> CONSUMED; RECEIVING -> FAILED. Each change is a conditional
UPDATE, so that two requests cannot both make it.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from hub.core.models import QuickRow


class Blob(QuickRow):
    """One stored object, named by the SHA-256 of its bytes (lower-case hex)."""

    sha256 = models.CharField(max_length=64, unique=True)
    size_bytes = models.BigIntegerField()
    content_type = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="blob_sha256_lower_hex"
            ),
            models.CheckConstraint(
                condition=models.Q(size_bytes__gte=0), name="blob_size_not_negative"
            ),
        ]
        indexes = [models.Index(fields=["size_bytes"], name="blob_by_size")]

    def __str__(self) -> str:
        return self.sha256[:12]


class UploadPurpose(models.TextChoices):
    """What a file is sent for; decides its limits."""

    MODEL_FILE = "model_file", _("Model file")
    DATASET = "dataset", _("Dataset")
    IMAGE = "image", _("Picture")


class UploadStatus(models.TextChoices):
    """Where a file is on its way in."""

    RECEIVING = "receiving", _("Receiving")
    COMPLETE = "complete", _("Complete")
    CONSUMED = "consumed", _("Used")
    FAILED = "failed", _("Failed")


class Upload(models.Model):
    """A resumable upload (tus 1.0): the bytes so far lie in a file named by the id.

    A used one lets its blob go when it expires, and remembers the hash: the quota counts the blobs
    that a person brought and that are still kept for something.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads"
    )
    purpose = models.CharField(max_length=12, choices=UploadPurpose)
    filename = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    offset_bytes = models.BigIntegerField(default=0)
    status = models.CharField(max_length=12, choices=UploadStatus, default=UploadStatus.RECEIVING)
    blob = models.ForeignKey(
        Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="uploads"
    )
    sha256 = models.CharField(max_length=64, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(offset_bytes__lte=models.F("size_bytes")),
                name="upload_offset_within_size",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=UploadStatus.values), name="upload_status_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=~models.Q(status="consumed"),
                name="upload_to_expire",
            ),
        ]

    def __str__(self) -> str:
        return self.filename
