"""A machine, or one GPU of a machine, that trains."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.core.ids import uuid7


class Device(models.TextChoices):
    """What a worker computes on."""

    CPU = "cpu", "CPU"
    CUDA = "cuda", _("GPU (CUDA)")


class WorkerNode(models.Model):
    """One training slot; `seen_at` is its last sign of life by the database's clock."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200, unique=True)
    device = models.CharField(max_length=8, choices=Device, default=Device.CPU)
    device_name = models.CharField(max_length=200, blank=True)
    memory_bytes = models.BigIntegerField()
    engine_version = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        constraints = [
            models.CheckConstraint(
                condition=Q(device__in=Device.values), name="worker_device_known"
            ),
            models.CheckConstraint(condition=Q(memory_bytes__gt=0), name="worker_has_memory"),
        ]
        indexes = [models.Index(fields=["seen_at"], name="workers_by_sign_of_life")]

    def __str__(self) -> str:
        return self.name
