"""Tags from the operator's tagger: one run over some pictures of a dataset."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7
from training.datasets.models.dataset import Dataset


class TaggingStatus(models.TextChoices):
    """Where a tagging run stands."""

    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class TaggingRun(models.Model):
    """`found` keeps the tags by picture until all are there: then they become one step of undo."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="tagging_runs")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tagging_runs"
    )
    items = ArrayField(models.UUIDField())
    found = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=8, choices=TaggingStatus, default=TaggingStatus.WAITING)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("auto-tagging")
        verbose_name_plural = _("auto-taggings")
        constraints = [
            models.UniqueConstraint(
                fields=["dataset"],
                condition=Q(status="waiting"),
                name="one_tagging_run_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(status__in=TaggingStatus.values), name="tagging_status_known"
            ),
        ]
        indexes = [models.Index(fields=["dataset", "-created_at"], name="tagging_runs_newest")]

    def __str__(self) -> str:
        return f"{self.status}, {len(self.found)} of {len(self.items)}"
