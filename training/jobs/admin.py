"""Jobs and workers in the administration pages: to look; changes go through the services."""

from __future__ import annotations

from django.contrib import admin

from training.jobs.models.artifact import JobArtifact
from training.jobs.models.job import Job
from training.jobs.models.worker_node import WorkerNode


class ReadOnlyAdmin(admin.ModelAdmin):
    """States and leases are changed by services only."""

    def has_add_permission(self, request: object) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        """Nobody changes rows here."""
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Jobs of all teams."""

    list_display = ("number", "name", "team", "owner", "method", "state", "attempt", "worker")
    list_filter = ("state", "method")
    list_select_related = ("team", "owner", "worker")
    search_fields = ("name", "number")


@admin.register(WorkerNode)
class WorkerNodeAdmin(ReadOnlyAdmin):
    """Machines that train."""

    list_display = ("name", "device", "device_name", "memory_bytes", "seen_at")


@admin.register(JobArtifact)
class JobArtifactAdmin(ReadOnlyAdmin):
    """Files of runs."""

    list_display = ("name", "job", "kind", "epoch", "step")
    list_filter = ("kind",)
    list_select_related = ("job",)
