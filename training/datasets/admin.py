"""Datasets in the administration pages: to look, and to see why an import failed."""

from __future__ import annotations

from django.contrib import admin

from training.datasets.models.dataset import Dataset
from training.datasets.models.importing import DatasetImport
from training.datasets.models.snapshot import Snapshot


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):
    """Datasets of all teams."""

    list_display = ("name", "kind", "team", "owner", "item_count", "updated_at", "deleted_at")
    list_filter = ("kind", "visibility")
    list_select_related = ("team", "owner")
    search_fields = ("name", "slug", "trigger_word")
    readonly_fields = ("item_count", "created_at", "updated_at")
    raw_id_fields = ("team", "owner")


@admin.register(DatasetImport)
class DatasetImportAdmin(admin.ModelAdmin):
    """Imports with their state."""

    list_display = ("filename", "dataset", "actor", "status", "error_code", "created_at")
    list_filter = ("status",)
    list_select_related = ("dataset", "actor")
    raw_id_fields = ("dataset", "actor")


@admin.register(Snapshot)
class SnapshotAdmin(admin.ModelAdmin):
    """Snapshots; they never change."""

    list_display = ("manifest_sha256", "dataset", "item_count", "created_by", "created_at")
    list_select_related = ("dataset", "created_by")
    exclude = ("manifest",)

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        """Nobody changes a snapshot."""
        return False
