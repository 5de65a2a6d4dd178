"""Making a safetensors file of a pickle: one for each file, asked for again after a failure.

QUEUED → RUNNING → SUCCEEDED | FAILED; FAILED → QUEUED. A change is a conditional UPDATE in
services.conversion.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.models import TimeStamped
from models_registry.models.file import ModelFile


class ConversionStatus(models.TextChoices):
    """How far a conversion is."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Converting")
    SUCCEEDED = "succeeded", _("Converted")
    FAILED = "failed", _("Not converted")


class FileConversion(TimeStamped):
    """`result` is the file that came out; `failure` the reason, in the `language` of who asked."""

    file = models.OneToOneField(ModelFile, on_delete=models.CASCADE, related_name="conversion")
    result = models.ForeignKey(
        ModelFile,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="converted_from",
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="file_conversions",
    )
    status = models.CharField(
        max_length=9, choices=ConversionStatus, default=ConversionStatus.QUEUED
    )
    failure = models.TextField(blank=True)
    language = models.CharField(max_length=12, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("conversion")
        verbose_name_plural = _("conversions")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ConversionStatus.values), name="conversion_status_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["updated_at"],
                name="conversion_open",
                condition=Q(status__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_id}: {self.status}"
