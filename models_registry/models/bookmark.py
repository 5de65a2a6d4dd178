"""Models a person keeps at hand."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from models_registry.models.model import Model


class Bookmark(models.Model):
    """One saved model of one person."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="model_bookmarks"
    )
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="bookmarks")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("bookmark")
        verbose_name_plural = _("bookmarks")
        constraints = [models.UniqueConstraint(fields=["user", "model"], name="bookmark_once")]

    def __str__(self) -> str:
        return f"{self.model_id} by {self.user_id}"
