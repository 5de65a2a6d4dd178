"""What happened to each file that was brought into a dataset."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from training.datasets.models.dataset import Dataset
from training.datasets.models.item import Item


class ImportStatus(models.TextChoices):
    """Where an import stands."""

    WAITING = "waiting", _("Waiting")
    READING = "reading", _("Reading")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class Outcome(models.TextChoices):
    """What became of one file."""

    ADDED = "added", _("Added")
    DUPLICATE = "duplicate", _("Already here")
    CAPTION = "caption", _("Caption read")
    CAPTION_WAITS = "caption_waits", _("Caption without a picture")
    NOT_AN_IMAGE = "not_an_image", _("Not an image")
    BROKEN = "broken", _("Broken file")
    TOO_LARGE = "too_large", _("Too large")
    TOO_SMALL = "too_small", _("Too small to train on")
    NO_ROOM = "no_room", _("The dataset is full")
    UNSAFE_NAME = "unsafe_name", _("Unsafe name")
    ENCRYPTED = "encrypted", _("Encrypted")


class Note(models.TextChoices):
    """What training does with a file so that it reads it as a person sees it."""

    TURNED = "turned", _("Turned upright")
    FIRST_FRAME = "first_frame", _("First frame of an animation")
    FROM_CMYK = "from_cmyk", _("Colours converted from CMYK")
    FROM_16_BIT = "from_16_bit", _("16 bits a channel brought down to 8")
    TRANSPARENT = "transparent", _("Transparent parts become white")
    RESTORED = "restored", _("Put back after it was removed")


class DatasetImport(models.Model):
    """One upload that goes into a dataset; its entries are the per-file report."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="imports")
    upload_id = models.UUIDField(null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="dataset_imports"
    )
    filename = models.CharField(max_length=255)
    status = models.CharField(max_length=8, choices=ImportStatus, default=ImportStatus.WAITING)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("import into a dataset")
        verbose_name_plural = _("imports into datasets")
        constraints = [
            models.UniqueConstraint(fields=["dataset", "upload_id"], name="upload_once_per_dataset")
        ]
        indexes = [
            models.Index(fields=["dataset", "-created_at"], name="imports_newest"),
            models.Index(
                fields=["created_at"],
                condition=Q(status__in=["waiting", "reading"]),
                name="imports_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return self.filename


class ImportEntry(models.Model):
    """The report's line for one file; `name` is shown, never used as a path."""

    batch = models.ForeignKey(DatasetImport, on_delete=models.CASCADE, related_name="entries")
    name = models.CharField(max_length=400)
    outcome = models.CharField(max_length=14, choices=Outcome)
    notes = ArrayField(models.CharField(max_length=12, choices=Note), default=list)
    item = models.ForeignKey(
        Item, on_delete=models.SET_NULL, null=True, blank=True, related_name="import_entries"
    )
    message = models.TextField(blank=True)

    class Meta:
        verbose_name = _("file of an import")
        verbose_name_plural = _("files of imports")
        constraints = [
            models.UniqueConstraint(fields=["batch", "name"], name="one_entry_per_file"),
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="import_outcome_known"
            ),
        ]
        indexes = [models.Index(fields=["batch", "outcome"], name="entries_by_outcome")]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"
