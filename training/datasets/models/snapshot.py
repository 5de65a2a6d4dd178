"""What a training run read, kept for ever: an immutable list of pictures, captions and crops."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from hub.storage.models import Blob
from training.datasets.models.dataset import Dataset


class Snapshot(models.Model):
    """The manifest of a dataset at one moment; rows are written once and never changed.

    `manifest_sha256` is taken over the canonical JSON of `manifest`: equal content, equal snapshot.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="snapshots")
    manifest_sha256 = models.CharField(max_length=64)
    manifest = models.JSONField()
    item_count = models.PositiveIntegerField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="dataset_snapshots"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "manifest_sha256"], name="snapshot_once_per_content"
            ),
            models.CheckConstraint(
                condition=Q(manifest_sha256__regex=r"^[0-9a-f]{64}$"),
                name="snapshot_sha256_is_hex",
            ),
        ]
        indexes = [models.Index(fields=["dataset", "-created_at"], name="snapshots_newest")]

    def __str__(self) -> str:
        return self.manifest_sha256[:12]


class SnapshotPicture(models.Model):
    """Ties a picture's bytes to a snapshot, so that they are never collected as garbage."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="pictures")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="snapshot_pictures")

    class Meta:
        verbose_name = _("picture of a snapshot")
        verbose_name_plural = _("pictures of snapshots")
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "blob"], name="picture_once_per_snapshot")
        ]

    def __str__(self) -> str:
        return f"{self.snapshot_id} {self.blob_id}"
