"""Django admin for administrators: base models to edit; the rest to look at.

State changes go through the services, so models and files are read-only here.
"""

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from hub.accounts.models import User
from models_registry.models.base_model import BaseModel
from models_registry.models.file import ModelFile
from models_registry.models.model import Model
from models_registry.models.tag import Tag, TagAlias
from models_registry.services.tags import add_alias

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin


class LookOnly(Base):
    """Rows that only services change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows begin in services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows change in services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows go in services."""
        return False


@admin.register(BaseModel)
class BaseModelAdmin(Base):
    """New base models need no release."""

    list_display = ["name", "family", "native_width", "licence_name", "is_active", "sort"]
    list_filter = ["is_active", "family"]
    list_editable = ["is_active", "sort"]
    search_fields = ["name"]
    ordering = ["sort", "name"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}


@admin.register(Tag)
class TagAdmin(Base):
    """Words people sort models by."""

    search_fields = ["name"]
    ordering = ["name"]


@admin.register(TagAlias)
class TagAliasAdmin(Base):
    """Other words for tags; a service moves the models that carry the word as a tag."""

    list_display = ["name", "tag"]
    list_select_related = ["tag"]
    autocomplete_fields = ["tag"]
    search_fields = ["name", "tag__name"]
    ordering = ["name"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An alias is made or deleted."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Through the service, which also merges and refreshes the search."""
        made = add_alias(actor=cast(User, request.user), tag=obj.tag, name=obj.name)
        obj.pk = made.pk


@admin.register(Model)
class ModelAdmin(LookOnly):
    """Models with their owner and state."""

    list_display = ["name", "type", "owner", "team", "status", "visibility", "download_count"]
    list_filter = ["type", "status", "visibility"]
    list_select_related = ["owner", "team"]
    search_fields = ["name", "slug", "owner__username"]
    exclude = ["search"]
    ordering = ["-pk"]


@admin.register(ModelFile)
class ModelFileAdmin(LookOnly):
    """Files with the scanner's verdict."""

    list_display = ["name", "version", "format", "scan_status", "scanned_at"]
    list_filter = ["scan_status", "format", "kind"]
    list_select_related = ["version"]
    search_fields = ["name", "hashes__value"]
    ordering = ["-pk"]
