"""Comments for administrators; what they change there goes past the counters, so they only look."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from hub.comments.models import Comment

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin


@admin.register(Comment)
class CommentAdmin(Base):
    """What people say; hiding and deleting is done on the page of the model or the picture."""

    list_display = ("id", "author", "model", "image", "created_at", "hidden_at")
    list_select_related = ("author", "model", "image")
    raw_id_fields = ("author", "model", "image", "parent")
    search_fields = ("text", "author__username")
    show_full_result_count = False
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Comments begin in services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Comments change in services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Comments go in services."""
        return False
