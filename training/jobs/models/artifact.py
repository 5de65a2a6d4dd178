"""Files that a job made."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from hub.storage.models import Blob
from training.jobs.models.job import Job


class ArtifactKind(models.TextChoices):
    """What a file of a run is for."""

    CHECKPOINT = "checkpoint", _("Checkpoint")
    SAMPLE = "sample", _("Sample")
    STATE = "state", _("Saved state")
    LOG = "log", _("Log")


class JobArtifact(models.Model):
    """One file; `name` is its path in the run folder, `data` what the engine said about it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="artifacts")
    kind = models.CharField(max_length=10, choices=ArtifactKind)
    name = models.CharField(max_length=255)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="job_artifacts")
    epoch = models.PositiveIntegerField(default=0)
    step = models.PositiveIntegerField(default=0)
    prompt_index = models.PositiveIntegerField(null=True, blank=True)
    loss = models.FloatField(null=True, blank=True)
    is_final = models.BooleanField(default=False)
    is_pick = models.BooleanField(default=False)
    data = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("file of a run")
        verbose_name_plural = _("files of runs")
        constraints = [
            models.UniqueConstraint(fields=["job", "name"], name="artifact_once_per_path"),
            models.UniqueConstraint(
                fields=["job"], condition=Q(is_pick=True), name="one_pick_per_job"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ArtifactKind.values), name="artifact_kind_known"
            ),
        ]
        indexes = [
            models.Index(fields=["job", "kind", "step", "prompt_index"], name="artifacts_in_order")
        ]

    def __str__(self) -> str:
        return self.name
