"""What a job told, numbered without gaps: the record that pages replay."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from training.jobs.models.job import Job


class EventKind(models.TextChoices):
    """Kinds of events: those of the engine, and those of the hub itself."""

    STATE = "state"
    STAGE = "stage"
    STARTED = "started"
    STEPPED = "stepped"
    VALIDATED = "validated"
    ARTIFACT = "artifact"
    WARNED = "warned"
    PUBLISHED = "published"


class JobEvent(models.Model):
    """One numbered message of a job; `sequence` counts from 1 and is given under the job's lock."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=EventKind)
    at = models.DateTimeField()
    data = models.JSONField()

    class Meta:
        verbose_name = _("event of a run")
        verbose_name_plural = _("events of runs")
        constraints = [
            models.UniqueConstraint(fields=["job", "sequence"], name="event_number_once_per_job")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.sequence}"
